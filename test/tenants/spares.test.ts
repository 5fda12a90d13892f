import { join } from 'node:path'
import { type Kysely, sql } from 'kysely'
import { expect, it, onTestFinished, vi } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import type { Log } from '../../src/kernel/log.js'
import { insertRows, type TenantSchema } from '../../src/tenants/databases/index.js'
import { hostForSpare } from '../../src/tenants/hosts/placing.js'
import { type DatabaseName, parseDatabaseName, parseSlug } from '../../src/tenants/ids.js'
import { withLock } from '../../src/tenants/locks.js'
import { createTenant } from '../../src/tenants/provision.js'
import { keepSparesJob } from '../../src/tenants/spares/job.js'
import { countSpares, dropSpares, keepSpares, SPARES_LOCK } from '../../src/tenants/spares/keep.js'
import { withTenant } from '../../src/tenants/tables.js'
import { changeState, getTenant } from '../../src/tenants/tenant.js'
import { TENANT_SCHEMA_VERSION } from '../../src/tenants/upgrade.js'
import { runCli } from '../support/cli.js'
import { describeDatabases, type Installation, openInstallation, tenantIn, wish } from './installation.js'
import { onServer, serverWith } from './servers.js'

describeDatabases('spare databases', (env, kind) => {
  const signal = new AbortController().signal
  const fill = ({ catalog, prefix }: Installation, wanted: number) => keepSpares(catalog, prefix, wanted, { signal })
  const sparesIn = ({ catalog }: Installation) =>
    catalog.kysely.selectFrom('placements').selectAll().where('kind', '=', 'spare').orderBy('id').execute()

  /** Makes the first of the spare ones a database of another installation, with a row in it, as if its name had been taken before it was made. */
  const foreign = async (here: Installation) => {
    const [first] = await sparesIn(here)
    const database = parseDatabaseName(first?.database_name ?? '')
    await here.catalog.kysely
      .updateTable('placements')
      .set({ schema_version: 0 })
      .where('id', '=', first?.id ?? 0)
      .execute()
    await here.catalog.server.use<TenantSchema, unknown>(database, async open => {
      await sql`update ${sql.raw(open.qualify('feedctl_migrations'))} set catalog_id = 'another'`.execute(open.kysely)
      await insertRows(open, 'counters', [{ tenant_id: 1, name: 'feeds', next: 2 }])
    })
    return database
  }
  const rowsOf = ({ catalog }: Installation, database: DatabaseName) =>
    catalog.server.use<TenantSchema, unknown[]>(database, open =>
      open.kysely.selectFrom('counters').selectAll().where('tenant_id', '=', 1).execute(),
    )

  it('are the new tenant at once, which keeps their name, and others are made for those that were taken', async () => {
    const here = await openInstallation(env)
    expect(await fill(here, 2)).toEqual({ made: 2, ready: 2, unready: 0, failures: [] })
    expect(await fill(here, 2)).toEqual({ made: 0, ready: 2, unready: 0, failures: [] })
    const [first] = await sparesIn(here)
    const tenant = await tenantIn(here, 'quick')
    expect([tenant.state, tenant.placement]).toEqual([
      'active',
      { kind: 'dedicated', host: 'default', database: first?.database_name },
    ])
    expect(await withTenant(here.catalog, tenant, tables => tables.feeds().selectAll().execute())).toEqual([])
    expect((await countSpares(here.catalog)).ready).toBe(1)
    expect(await fill(here, 2)).toEqual({ made: 1, ready: 2, unready: 0, failures: [] })
  })

  it('are taken without making anything, neither a database nor a table', async () => {
    const here = await openInstallation(env)
    await dropSpares(here.catalog, { signal })
    await fill(here, 1)
    const { server } = here.catalog
    const made: string[] = []
    const listening = serverWith(server, {
      create: name => {
        made.push(name)
        return server.create(name)
      },
      use: (name, deed) =>
        server.use(name, (open: Parameters<typeof deed>[0]) => deed({ ...open, kysely: hearing(open.kysely, made) })),
    })
    const catalog = { ...onServer(here.catalog, listening), server: listening }
    const signUp = (slug: string) => createTenant(catalog, here.prefix, wish(slug), async () => null)
    await signUp('with-a-spare')
    expect(made).toEqual([])
    await signUp('without')
    expect(made).toEqual(expect.arrayContaining([`${here.prefix}without`, expect.stringContaining('create table')]))
  })

  it('go one to each of those that race, and the last makes its own', async () => {
    const sides = await Promise.all([openInstallation(env), openInstallation(env)])
    const [here] = sides
    await fill(here as Installation, 3)
    const spares = (await sparesIn(here as Installation)).map(spare => spare.database_name)
    const tenants = await Promise.all(
      ['a', 'b', 'c', 'd'].map((end, n) => tenantIn(sides[n % 2] as Installation, `racer-${end}`)),
    )
    const databases = tenants.map(tenant => tenant.placement.database as string)
    expect(new Set(databases).size).toBe(4)
    expect(databases.filter(name => spares.includes(name))).toHaveLength(3)
    expect((await countSpares((here as Installation).catalog)).ready).toBe(0)
  })

  it('are taken by nobody whose slug exists, who wants shared tables, or whose creation is finished later', async () => {
    const here = await openInstallation(env)
    await tenantIn(here, 'exists')
    const away = () => Promise.reject(new Failure('UNAVAILABLE', 'away'))
    await createTenant(here.catalog, here.prefix, wish('begun'), away).catch(() => {})
    await fill(here, 1)
    await expect(tenantIn(here, 'exists')).rejects.toMatchObject({ code: 'TENANT_EXISTS' })
    await tenantIn(here, 'in-shared', 'shared')
    expect((await tenantIn(here, 'begun')).placement.database).toBe(`${here.prefix}begun`)
    expect((await countSpares(here.catalog)).ready).toBe(1)
  })

  it('are gone with a tenant that is refused, and none is left in between', async () => {
    const here = await openInstallation(env)
    await fill(here, 1)
    const [spare] = await sparesIn(here)
    const refusing = createTenant(here.catalog, here.prefix, wish('not-wanted'), () =>
      Promise.reject(new Failure('URL_INVALID', 'no')),
    )
    await expect(refusing).rejects.toMatchObject({ code: 'URL_INVALID' })
    await expect(getTenant(here.catalog, parseSlug('not-wanted'))).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    expect(await here.catalog.server.has(parseDatabaseName(spare?.database_name ?? ''))).toBe(false)
  })

  it('that a killed filling left are finished by the next, whatever was there', async () => {
    const here = await openInstallation(env)
    await dropSpares(here.catalog, { signal })
    await fill(here, 2)
    const [noDatabase, noTables] = (await sparesIn(here)).map(spare => parseDatabaseName(spare.database_name))
    const { server, kysely } = here.catalog
    await kysely.updateTable('placements').set({ schema_version: 0 }).where('kind', '=', 'spare').execute()
    for (const name of [noDatabase, noTables]) if (name !== undefined) await server.drop(name)
    if (noTables !== undefined) await server.create(noTables)
    expect(await countSpares(here.catalog)).toEqual({ ready: 0, unready: 2 })
    // Nobody is given one of them meanwhile.
    expect((await tenantIn(here, 'meanwhile')).placement.database).toBe(`${here.prefix}meanwhile`)
    expect(await fill(here, 2)).toEqual({ made: 2, ready: 2, unready: 0, failures: [] })
    const tenant = await tenantIn(here, 'after-all')
    expect(await withTenant(here.catalog, tenant, tables => tables.posts().selectAll().execute())).toEqual([])
  })

  it('that cannot be finished keep no others from being made, and are told of', async () => {
    const here = await openInstallation(env)
    await dropSpares(here.catalog, { signal })
    const log = { warn: vi.fn(), info: vi.fn() } as unknown as Log
    const job = () => keepSparesJob(here.catalog, log, { prefix: here.prefix, wanted: 2 }, signal)
    await fill(here, 2)
    const database = await foreign(here)
    expect(await fill(here, 3)).toEqual({
      made: 2,
      ready: 3,
      unready: 1,
      failures: [{ host: 'default', database, code: 'DATABASE_TAKEN', message: expect.stringContaining(database) }],
    })
    await expect(job()).rejects.toMatchObject({
      code: 'PARTIAL',
      message: expect.stringMatching(`^1 spare database .*${database}`),
    })
    expect(log.warn).toHaveBeenCalledWith(expect.any(String), expect.objectContaining({ database, code: 'DATABASE_TAKEN' }))
    const { exit, out, err } = await runCli(['tenant', 'spare', '--fill', '4', '--json'], { env })
    expect([exit, JSON.parse(out).spares, err]).toEqual([
      6,
      { made: 1, ready: 4, unready: 1, wanted: 4, failures: [expect.objectContaining({ database })] },
      expect.stringMatching(/"code":"PARTIAL".*"hint":"feedctl tenant spare /),
    ])
    expect(await dropSpares(here.catalog, { signal })).toEqual({ dropped: 5, failures: [] })
    expect([await sparesIn(here), (await rowsOf(here, database)).length]).toEqual([[], 1])
  })

  it('of a host that is down are made elsewhere, each tried once, and no more are begun there', async () => {
    const here = await openInstallation(env)
    await dropSpares(here.catalog, { signal })
    const address = kind === 'sqlite' ? join(env.FEEDCTL_DATA ?? '', 'unmounted') : '127.0.0.1:1'
    const row = { name: 'down', address, weight: 100_000, created_at: 1 }
    await here.catalog.kysely.insertInto('hosts').values(row).execute()
    const { id } = await here.catalog.kysely.selectFrom('hosts').select('id').where('name', '=', 'down').executeTakeFirstOrThrow()
    onTestFinished(async () => {
      await here.catalog.kysely.deleteFrom('placements').where('host_id', '=', id).execute()
      await here.catalog.kysely.deleteFrom('hosts').where('id', '=', id).execute()
    })
    const first = await fill(here, 30)
    expect(first.failures.every(each => each.host === 'down')).toBe(true)
    expect([first.failures.length > 0, first.ready, first.unready]).toEqual([true, 30 - first.unready, first.failures.length])
    const second = await fill(here, 30)
    expect([second.ready, second.unready, second.failures.length]).toEqual([30, first.unready, first.unready])
    const end = await dropSpares(here.catalog, { signal })
    expect([end.dropped, end.failures.length]).toEqual([30, first.unready])
  })

  it('are dropped all but those that were taken, and by one process at a time', async () => {
    const here = await openInstallation(env)
    await fill(here, 2)
    const tenant = await tenantIn(here, 'stays')
    await withLock(here.catalog, SPARES_LOCK, async () => {
      await expect(dropSpares(here.catalog, { signal })).rejects.toMatchObject({ code: 'LOCKED' })
      await expect(fill(here, 2)).rejects.toMatchObject({ code: 'LOCKED' })
    })
    const left = (await sparesIn(here)).map(spare => parseDatabaseName(spare.database_name))
    expect(await dropSpares(here.catalog, { signal })).toEqual({ dropped: left.length, failures: [] })
    expect(await Promise.all(left.map(name => here.catalog.server.has(name)))).toEqual(left.map(() => false))
    expect(await sparesIn(here)).toEqual([])
    expect(await here.catalog.server.has(tenant.placement.database)).toBe(true)
    expect((await changeState(here.catalog, tenant.slug, ['active'], 'suspended')).state).toBe('suspended')
  })

  it('whose drop was killed go with the next', async () => {
    const here = await openInstallation(env)
    await fill(here, 2)
    const [first] = await sparesIn(here)
    await here.catalog.kysely
      .updateTable('placements')
      .set({ kind: 'dropping', schema_version: 0 })
      .where('id', '=', first?.id ?? 0)
      .execute()
    expect(await dropSpares(here.catalog, { signal })).toEqual({ dropped: 2, failures: [] })
    expect(await here.catalog.server.has(parseDatabaseName(first?.database_name ?? ''))).toBe(false)
    const left = here.catalog.kysely.selectFrom('placements').select('id').where('kind', 'in', ['spare', 'dropping'])
    expect(await left.execute()).toEqual([])
  })

  it('are not dropped by one that was held up until others had made them ready again, and given them to a tenant', async () => {
    const here = await openInstallation(env)
    await fill(here, 2)
    const [first, second] = await sparesIn(here)
    const taken = async () => {
      await here.catalog.kysely
        .updateTable('placements')
        .set({ schema_version: TENANT_SCHEMA_VERSION })
        .where('id', '=', second?.id ?? 0)
        .execute()
      return tenantIn(here, 'first-come')
    }
    const server = here.catalog.server
    const late = new Proxy(server, {
      get: (target, name) =>
        name !== 'drop'
          ? Reflect.get(target, name)
          : async (database: DatabaseName) => {
              if (database === first?.database_name) await taken()
              return target.drop(database)
            },
    })
    const hosts = Object.assign(Object.create(here.catalog.hosts), { serverOf: async () => late })
    expect(await dropSpares({ ...here.catalog, hosts }, { signal })).toEqual({ dropped: 1, failures: [] })
    const tenant = await getTenant(here.catalog, parseSlug('first-come'))
    expect(tenant.placement.database).toBe(second?.database_name)
    expect(await withTenant(here.catalog, tenant, tables => tables.feeds().selectAll().execute())).toEqual([])
  })

  it('are made, and counted, only where new tenants take them', async () => {
    const here = await openInstallation(env)
    await dropSpares(here.catalog, { signal })
    interface Change {
      readonly weight?: number
      readonly max_tenants?: number | null
      readonly state?: 'open' | 'draining'
    }
    const set = (change: Change) => here.catalog.kysely.updateTable('hosts').set(change).where('name', '=', 'default').execute()
    onTestFinished(async () => void (await set({ weight: 100, max_tenants: null, state: 'open' })))
    await fill(here, 1)
    const unfit: Change[] = [{ state: 'draining' }, { weight: 0 }, { max_tenants: 1_000 }]
    for (const change of unfit) {
      await set({ weight: 100, max_tenants: null, state: 'open', ...change })
      expect(await countSpares(here.catalog)).toEqual({ ready: 0, unready: 0 })
      await expect(fill(here, 1)).rejects.toMatchObject({ code: 'HOST_FULL' })
    }
    expect(await sparesIn(here)).toHaveLength(1)
    const row = { name: 'second', address: '/nowhere', weight: 300, created_at: 1 }
    await here.catalog.kysely.insertInto('hosts').values(row).execute()
    onTestFinished(async () => void (await here.catalog.kysely.deleteFrom('hosts').where('name', '=', 'second').execute()))
    await set({ weight: 100, max_tenants: null, state: 'draining' })
    expect(await hostForSpare(here.catalog, new Set())).toMatchObject({ name: 'second' })
  })
})

/** Notes what is to define something. */
function hearing<Schema>(kysely: Kysely<Schema>, made: string[]): Kysely<Schema> {
  return kysely.withPlugin({
    transformQuery({ node }) {
      const text = node.kind === 'RawNode' ? node.sqlFragments.join('?') : node.kind
      if (/^\s*(create|alter|drop)/i.test(text)) made.push(text)
      return node
    },
    transformResult: async ({ result }) => result,
  })
}
