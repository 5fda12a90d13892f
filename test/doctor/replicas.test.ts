import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { judgeReplicas } from '../../src/doctor/checks/replicas.js'
import { runCli } from '../support/cli.js'
import { sharedMariadbEnv, type TestEnv } from '../support/drivers.js'
import { type ReplicatedMariadb, startReplicated } from '../support/replica.js'
import { doctor } from './examined.js'

const TIMEOUT_MS = 180_000

describe('a replica', () => {
  let servers: ReplicatedMariadb
  let env: TestEnv
  beforeAll(async () => {
    servers = await startReplicated()
    const { replica } = servers
    env = { ...sharedMariadbEnv(), ...servers.env, DB_READ_HOST: `${replica.host}:${replica.port}` }
    expect(await runCli(['init'], { env })).toMatchObject({ exit: 0 })
  }, TIMEOUT_MS)
  afterAll(() => servers[Symbol.asyncDispose]())
  const found = async () => (await doctor(env)).of('database.replicas')

  it('is ok when it follows its host', async () => {
    await servers.caughtUp()
    expect(await found()).toMatchObject({ severity: 'ok', evidence: expect.stringContaining('has what default has') })
  })

  it('is a warning when it is held back, and when it is away', async () => {
    await servers.caughtUp()
    await servers.holdBack()
    onTestFinished(() => servers.goOn())
    expect(await runCli(['tenant', 'create', 'acme', '--placement', 'shared'], { env })).toMatchObject({ exit: 0 })
    expect(await found()).toMatchObject({ severity: 'warn', evidence: expect.stringContaining('lacks what its host had') })
    await servers.replica.kill()
    onTestFinished(() => servers.replica.start())
    expect(await found()).toMatchObject({ severity: 'warn', evidence: expect.stringContaining('is not read') })
  })
})

describe('what is said of replicas', () => {
  const sight = { host: 'default', address: 'db2:3306', why: null, readOnly: true }
  it('is nothing bad where there are none, and a warning where one can be written', () => {
    expect(judgeReplicas([])).toMatchObject({ severity: 'ok' })
    expect(judgeReplicas([sight, { ...sight, host: 'far', readOnly: false }])).toMatchObject({
      severity: 'warn',
      evidence: 'the replica db2:3306 of far can be written',
    })
  })
})
