import type { Kysely } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { hostForSpare } from '../../src/tenants/hosts/placing.js'
import { parseDatabaseName, parseSlug } from '../../src/tenants/ids.js'
import { withLock } from '../../src/tenants/locks.js'
import { createTenant } from '../../src/tenants/provision.js'
import { countSpares, dropSpares, keepSpares, SPARES_LOCK } from '../../src/tenants/spares/keep.js'
import { withTenant } from '../../src/tenants/tables.js'
import { changeState, getTenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, tenantIn, wish } from './installation.js'
import { onServer, serverWith } from './servers.js'

describeDatabases('spare databases', env => {
  const signal = new AbortController().signal
  const fill = ({ catalog, prefix }: Installation, wanted: number) => keepSpares(catalog, prefix, wanted, { signal })
  const sparesIn = ({ catalog }: Installation) =>
    catalog.kysely.selectFrom('placements').selectAll().where('kind', '=', 'spare').orderBy('id').execute()

  it('are the new tenant at once, which keeps their name, and others are made for those that were taken', async () => {
    const here = await openInstallation(env)
    expect(await fill(here, 2)).toEqual({ made: 2, ready: 2, unready: 0 })
    expect(await fill(here, 2)).toEqual({ made: 0, ready: 2, unready: 0 })
    const [first] = await sparesIn(here)
    const tenant = await tenantIn(here, 'quick')
    expect([tenant.state, tenant.placement]).toEqual([
      'active',
      { kind: 'dedicated', host: 'default', database: first?.database_name },
    ])
    expect(await withTenant(here.catalog, tenant, tables => tables.feeds().selectAll().execute())).toEqual([])
    expect((await countSpares(here.catalog)).ready).toBe(1)
    expect(await fill(here, 2)).toEqual({ made: 1, ready: 2, unready: 0 })
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
    expect(await fill(here, 2)).toEqual({ made: 2, ready: 2, unready: 0 })
    const tenant = await tenantIn(here, 'after-all')
    expect(await withTenant(here.catalog, tenant, tables => tables.posts().selectAll().execute())).toEqual([])
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
    expect(await dropSpares(here.catalog, { signal })).toBe(left.length)
    expect(await Promise.all(left.map(name => here.catalog.server.has(name)))).toEqual(left.map(() => false))
    expect(await sparesIn(here)).toEqual([])
    expect(await here.catalog.server.has(tenant.placement.database)).toBe(true)
    expect((await changeState(here.catalog, tenant.slug, ['active'], 'suspended')).state).toBe('suspended')
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
    expect(await hostForSpare(here.catalog)).toMatchObject({ name: 'second' })
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
