import { expect, it } from 'vitest'
import { keepGiven } from '../capacity/results.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { doctor } from './examined.js'

it('the doctor warns of a phase that is outgrown, until this machine is measured to carry it', async () => {
  const env = { FEEDCTL_DATA: temporaryFolder() }
  await runCli(['tenant', 'create', '--count', '100', '--placement', 'shared'], { env })
  expect((await doctor(env)).of('phase.outgrown')).toMatchObject({ severity: 'ok', evidence: expect.stringContaining('100 %') })
  await runCli(['tenant', 'create', 'one-more', '--placement', 'shared'], { env })
  expect((await doctor(env)).of('phase.outgrown')).toMatchObject({
    severity: 'warn',
    evidence: expect.stringContaining('phase growth, 20 % of it used by tenants'),
    fix: expect.stringContaining('sudo apt install redis-server'),
  })
  await keepGiven(env.FEEDCTL_DATA, { rows: [{ phase: 'mvp', metric: 'tenants', measured: 400 }] })
  expect((await doctor(env)).of('phase.outgrown')).toMatchObject({
    severity: 'ok',
    evidence: expect.stringContaining('phase mvp'),
  })
})
