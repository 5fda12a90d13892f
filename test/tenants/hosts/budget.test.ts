import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../../src/kernel/config.js'
import { initCatalog } from '../../../src/tenants/catalog.js'
import { openServer } from '../../../src/tenants/databases/index.js'
import { parseDatabaseName } from '../../../src/tenants/ids.js'
import { runCli } from '../../support/cli.js'
import { dropDatabases, sharedMariadbEnv, type TestEnv } from '../../support/drivers.js'
import { secondHost } from '../../support/second-host.js'

const BUDGET = 6
const second = secondHost('mysql')
const own = sharedMariadbEnv()
/** Nobody else is this user: its connections are the host's. */
const USER = 'budgeted'
const env = (): TestEnv => ({ ...own, FEEDCTL_HOST_PASSWORDS: '{"second":"budget-word"}' })

beforeAll(async () => {
  await second.server.query(`CREATE USER '${USER}'@'127.0.0.1' IDENTIFIED BY 'budget-word'`)
  await second.server.query(`GRANT ALL ON *.* TO '${USER}'@'127.0.0.1'`)
  expect((await runCli(['init'], { env: env() })).exit).toBe(0)
  const flags = ['--address', second.address, '--username', USER, '--connections', String(BUDGET)]
  const { exit, err } = await runCli(['host', 'add', 'second', ...flags], { env: env() })
  expect({ exit, err }).toEqual({ exit: 0, err: '' })
})
afterAll(() => dropDatabases(own))

interface Holder {
  readonly child: ChildProcess
  done: number
  limit: number
}

/** A process that keeps the host busy; ended when the test is. */
function startHolder(): Holder {
  const child = fork('test/tenants/hosts/lease-holder.mjs', [JSON.stringify({ env: env(), host: 'second', inFlight: 12 })])
  const holder: Holder = { child, done: 0, limit: 0 }
  child.on('message', (told: { done: number; limit: number }) => Object.assign(holder, told))
  onTestFinished(() => void child.kill('SIGKILL'))
  return holder
}

/** The host as `feedctl host list` shows it. */
async function standing() {
  const { out } = await runCli(['host', 'list', '--json'], { env: env() })
  const { hosts } = JSON.parse(out) as { hosts: { name: string; connections: { leased: number; processes: number } }[] }
  return hosts.find(({ name }) => name === 'second')?.connections
}

async function connectionsNow(): Promise<number> {
  const [row] = await second.server.query(`SELECT COUNT(*) AS n FROM information_schema.processlist WHERE user = '${USER}'`)
  return Number(row?.n)
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(50)
}

/** Counts connections at the server until it is stopped. */
function watchConnections() {
  let most = 0
  let stopped = false
  const watching = (async () => {
    while (!stopped) {
      most = Math.max(most, await connectionsNow())
      await pause(10)
    }
  })()
  return async () => {
    stopped = true
    await watching
    return most
  }
}

describe('the connection budget of a host', { timeout: 240_000 }, () => {
  test('is never passed by processes that come, are killed and end; their shares go to the others', async () => {
    const stop = watchConnections()
    const first = startHolder()
    await until(() => first.limit === 3 && first.done > 20)
    const others = [startHolder(), startHolder()]
    const all = [first, ...others]
    await until(() => all.every(holder => holder.limit === 1 && holder.done > 20))
    for (const { child } of others) child.kill('SIGKILL')
    await until(() => first.limit === 3)
    first.child.send('end')
    await once(first.child, 'exit')
    const most = await stop()
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(BUDGET)
    expect(await standing()).toMatchObject({ leased: 0 })
  })

  test('holds as many processes as it has connections; one more waits for its turn and has it when another ends', async () => {
    await runCli(['host', 'set', 'second', '--connections', '2'], { env: env() })
    onTestFinished(async () => void (await runCli(['host', 'set', 'second', '--connections', String(BUDGET)], { env: env() })))
    const stop = watchConnections()
    const two = [startHolder(), startHolder()]
    await until(() => two.every(holder => holder.limit === 1 && holder.done > 0))
    const { config } = loadConfig({ env: env(), envFile: '/nonexistent/.env', envFileNamed: false })
    const home = await openServer(config)
    onTestFinished(() => home.close())
    const { catalog } = await initCatalog(home, config)
    const server = await catalog.hosts.serverOf('second')
    const ask = () => server.use<object, unknown>(parseDatabaseName('mysql'), ({ kysely }) => sql`select 1`.execute(kysely))
    await expect(ask()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'all connections to the database host second belong to other processes',
    })
    expect(await stop()).toBe(2)
    two[0]?.child.kill('SIGKILL')
    await until(() => server.connections?.limit === 1)
    await ask()
    expect(server.connections?.open).toBe(1)
    // The server may list those of a process that was killed for a while.
    await until(async () => (await connectionsNow()) === 2)
    await catalog.hosts.close()
  })
})

describe('the connection budget of the host of the catalog', { timeout: 240_000 }, () => {
  test('counts what the catalog takes, and leaves one connection to whoever comes', async () => {
    expect((await runCli(['host', 'set', 'default', '--connections', '3'], { env: env() })).exit).toBe(0)
    const open = async () => {
      const { config } = loadConfig({ env: env(), envFile: '/nonexistent/.env', envFileNamed: false })
      const home = await openServer(config)
      onTestFinished(() => home.close())
      return (await initCatalog(home, config)).catalog
    }
    const catalogs = [await open(), await open(), await open(), await open()]
    // Those of the other host whose processes were killed may be listed yet.
    const rows = await catalogs[0]?.kysely.selectFrom('host_leases').selectAll().where('host_id', '=', 1).execute()
    expect(rows).toHaveLength(4)
    expect(catalogs.map(({ server }) => server.connections?.limit)).toEqual([1, 1, 1, 1])
    for (const catalog of catalogs) {
      await Promise.all(Array.from({ length: 5 }, () => catalog.kysely.selectFrom('hosts').select('id').execute()))
      expect(catalog.server.connections?.open).toBe(1)
    }
    for (const catalog of catalogs) await catalog.hosts.close()
    expect((await runCli(['host', 'set', 'default', '--connections', 'none'], { env: env() })).exit).toBe(0)
  })
})
