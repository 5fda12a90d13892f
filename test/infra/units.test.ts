import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/folders.js'
import { fileOf, onOneMachine, put, scaleOf } from './ground.js'

const ANALYZES = spawnSync('systemd-analyze', ['--version']).status === 0
const UNITS = ['feedctl-api.service', 'feedctl-supervise.service', 'feedctl-scheduler.service']
/** Of 100: what an exposure of 2.0 is to `systemd-analyze security`. */
const MOST_EXPOSED = '20'

async function units(folder: string) {
  const deployment = await onOneMachine(folder)
  const bin = deployment.scale.install.bin
  writeFileSync(bin, '')
  mkdirSync(deployment.scale.install.data, { recursive: true })
  const files = scaleOf(deployment)
  return UNITS.map(name => fileOf(files, 'app-1', name))
}

test.runIf(ANALYZES)('the units are what systemd understands without a word, and are walled off', async () => {
  const folder = temporaryFolder()
  const paths = (await units(folder)).map(unit => put(folder, unit))
  const verify = spawnSync('systemd-analyze', ['verify', '--man=no', '--system', ...paths], { encoding: 'utf8' })
  // Of the machine's own units it may complain.
  const ours = `${verify.stdout}${verify.stderr}`.split('\n').filter(line => /feedctl|Unknown/.test(line))
  expect([verify.status, ours]).toEqual([0, []])
  const args = ['security', '--offline=yes', `--threshold=${MOST_EXPOSED}`, '--no-pager', ...paths]
  const security = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
  expect([security.status, security.stdout.match(/Overall exposure level.*/g)?.length]).toEqual([0, UNITS.length])
})

test('each runs what its machine is for, drains before it is killed, and ends for good where nothing would help', async () => {
  const [api, supervise, scheduler] = (await units(temporaryFolder())).map(({ text }) => text)
  expect(api).toMatch(
    /^ExecStart=\S+ -- \S+ serve --host 127\.0\.0\.1 --port \d+ --workers 2 --env-file \S+\/etc\/feedctl\.env$/m,
  )
  expect(api).not.toContain('WatchdogSec')
  expect(supervise).toMatch(/ queue supervise --min 1 --max 2 --no-schedule --env-file /)
  expect(scheduler).toMatch(/ schedule run --env-file /)
  for (const text of [api, supervise, scheduler]) {
    expect(text).toMatch(/^TimeoutStopSec=45$/m)
    expect(text).toMatch(/^RestartPreventExitStatus=2 3$/m)
  }
})
