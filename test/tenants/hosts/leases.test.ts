import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Config, loadConfig } from '../../../src/kernel/config.js'
import { catalogName, initCatalog } from '../../../src/tenants/catalog.js'
import { type CatalogSchema, openServer } from '../../../src/tenants/databases/index.js'
import { type HostsGround, openHosts } from '../../../src/tenants/hosts/hosts.js'
import { roomForProcesses } from '../../../src/tenants/hosts/room.js'
import { runCli } from '../../support/cli.js'
import { dropDatabases, sharedMariadbEnv } from '../../support/drivers.js'
import { secondHost } from '../../support/second-host.js'

const second = secondHost('mysql')
const own = sharedMariadbEnv()
const env = () => second.with(own, 'second')
const PATIENCE = { timeout: 60_000, interval: 50 }

beforeAll(async () => {
  const config = configOf()
  const home = await openServer(config)
  const { catalog } = await initCatalog(home, config)
  const row = { name: 'second', address: second.address, username: second.server.username, max_connections: 6 }
  await catalog.kysely
    .insertInto('hosts')
    .values({ ...row, created_at: 1 })
    .execute()
  await catalog.hosts.close()
  await home.close()
})
afterAll(() => dropDatabases(own))

function configOf(): Config {
  return loadConfig({ env: env(), envFile: '/nonexistent/.env', envFileNamed: false }).config
}

/** The hosts as another process has them. */
async function openProcess(times: Partial<Pick<HostsGround, 'leaseTimes' | 'retiredMs'>> = {}) {
  const config = configOf()
  const home = await openServer(config)
  onTestFinished(() => home.close())
  const name = catalogName(config)
  const database = await home.hold<CatalogSchema>(name)
  const hosts = openHosts({ config, home, database, urgent: await home.hold(name, { isUrgent: true }), ...times })
  onTestFinished(() => hosts.close())
  await hosts.begin()
  const leases = async (host: string) =>
    database.kysely
      .selectFrom('host_leases')
      .selectAll('host_leases')
      .innerJoin('hosts', 'hosts.id', 'host_leases.host_id')
      .where('hosts.name', '=', host)
      .orderBy('holder')
      .execute()
  const set = (host: string, change: { max_connections?: number | null; address?: string }) =>
    database.kysely.updateTable('hosts').set(change).where('name', '=', host).execute()
  return { hosts, home, kysely: database.kysely, leases, set }
}

type Process = Awaited<ReturnType<typeof openProcess>>

/** The leases that were made up. */
function forgetElsewhere({ kysely }: Process) {
  return kysely.deleteFrom('host_leases').where('holder', 'like', 'elsewhere%').execute()
}

/** As many transactions that last until the test ends. */
async function keepBusy({ kysely }: Process, transactions: number): Promise<void> {
  let end = () => {}
  const ended = new Promise<void>(resolve => {
    end = resolve
  })
  const begun = Array.from({ length: transactions }, () => {
    let begin = () => {}
    const started = new Promise<void>(resolve => {
      begin = resolve
    })
    const done = kysely.transaction().execute(async tx => {
      await tx.selectFrom('hosts').select('id').execute()
      begin()
      await ended
    })
    return { started, done: done.catch(() => {}) }
  })
  onTestFinished(async () => {
    end()
    await Promise.all(begun.map(({ done }) => done))
  })
  await begun[0]?.started
}

describe('the lease of a process', { timeout: 120_000 }, () => {
  test.for([
    { budget: 4, limit: 2 },
    { budget: 2, limit: 1 },
  ])('is renewed while all of its $limit connections are busy', async ({ budget, limit }) => {
    const looking = await openProcess()
    await looking.set('default', { max_connections: budget })
    onTestFinished(async () => void (await looking.set('default', { max_connections: null })))
    const busy = await openProcess({ leaseTimes: { ttlMs: 12_000, heartbeatMs: 100 } })
    expect(busy.home.connections?.limit).toBe(limit)
    await keepBusy(busy, 5)
    const [begun] = await looking.leases('default')
    const heard = async () => (await looking.leases('default'))[0]?.expires_at ?? 0
    await expect.poll(heard, PATIENCE).toBeGreaterThan((begun?.expires_at ?? 0) + 12_000)
    const others = [await openProcess(), await openProcess()]
    const limits = [busy, ...others].map(({ home }) => home.connections?.limit ?? 0)
    expect(limits).toEqual([limit, 1, 1])
    for (const { hosts } of others) await hosts.close()
  })

  test('counts at the old address and at the new one, until what was under way at the old one had its time', async () => {
    const here = await openProcess({ retiredMs: 3_000 })
    const old = await here.hosts.serverOf('second')
    expect(old.connections?.limit).toBe(3)
    await here.set('second', { address: second.address.replace('127.0.0.1', 'localhost') })
    onTestFinished(async () => void (await here.set('second', { address: second.address })))
    await expect.poll(() => here.hosts.serverOf('second').then(server => server === old), PATIENCE).toBe(false)
    const next = await here.hosts.serverOf('second')
    const both = await here.leases('second')
    expect(both).toHaveLength(2)
    expect(both.reduce((sum, { connections }) => sum + connections, 0)).toBeLessThanOrEqual(6)
    await expect.poll(() => here.leases('second').then(({ length }) => length), PATIENCE).toBe(1)
    await expect.poll(() => next.connections?.limit, PATIENCE).toBe(3)
    await here.hosts.close()
    const after = await openProcess()
    expect(await after.leases('second')).toEqual([])
  })

  test('leaves as many workers room as the smallest budget has connections beside the processes that are none', async () => {
    const here = await openProcess()
    const room = (workers: readonly string[] = []) => roomForProcesses(here.kysely, workers)
    await here.set('default', { max_connections: 5 })
    onTestFinished(async () => void (await here.set('default', { max_connections: null })))
    expect(await room()).toBe(5)
    await openProcess()
    const worker = await openProcess()
    expect(await room()).toBe(3)
    onTestFinished(async () => void (await forgetElsewhere(here)))
    const [, lease] = await worker.leases('default')
    await here.kysely
      .updateTable('host_leases')
      .set({ holder: 'elsewhere:7:lease' })
      .where('holder', '=', lease?.holder ?? '')
      .execute()
    expect(await room(['elsewhere:7:card'])).toBe(4)
    await here.set('second', { max_connections: 2 })
    onTestFinished(async () => void (await here.set('second', { max_connections: 6 })))
    expect(await room(['elsewhere:7:card'])).toBe(2)
  })

  test('ends with the process that made the catalog', async () => {
    const here = await openProcess()
    await here.set('default', { max_connections: 5 })
    onTestFinished(async () => void (await here.set('default', { max_connections: null })))
    expect((await runCli(['init'], { env: env() })).exit).toBe(0)
    expect(await here.leases('default')).toEqual([])
  })

  test('is not shown once it has expired, or its process has ended', async () => {
    const here = await openProcess()
    const { id } = await here.hosts.rowOf('second')
    const ends = { host_id: id, connections: 2 }
    const rows = [
      { ...ends, holder: 'elsewhere:1:past', expires_at: Date.now() - 60_000 },
      { ...ends, holder: 'elsewhere:1:living', expires_at: Date.now() + 600_000 },
    ]
    await here.kysely.insertInto('host_leases').values(rows).execute()
    onTestFinished(async () => void (await forgetElsewhere(here)))
    const { out } = await runCli(['host', 'list', '--json'], { env: env() })
    const { hosts } = JSON.parse(out) as { hosts: { name: string; connections: object }[] }
    expect(hosts.find(({ name }) => name === 'second')?.connections).toMatchObject({ leased: 2, processes: 1 })
  })
})
