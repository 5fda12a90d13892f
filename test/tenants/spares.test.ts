import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import type { TenantSchema } from '../../src/tenants/databases/index.js'
import { addHost } from '../../src/tenants/hosts/changing.js'
import { parseDatabaseName, parseSlug } from '../../src/tenants/ids.js'
import { withLock } from '../../src/tenants/locks.js'
import { createTenant } from '../../src/tenants/provision.js'
import { keepSparesJob } from '../../src/tenants/spares/job.js'
import { countSpares, dropSpares, keepSpares, SPARES_LOCK } from '../../src/tenants/spares/keep.js'
import { withTenant } from '../../src/tenants/tables.js'
import { changeState, getTenant } from '../../src/tenants/tenant.js'
import { TENANT_SCHEMA_VERSION } from '../../src/tenants/upgrade.js'
import { secondHost } from '../support/second-host.js'
import { describeDatabases, type Installation, openInstallation, tenantIn, wish } from './installation.js'

describeDatabases('spare databases', env => {
  const signal = new AbortController().signal
  const fill = ({ catalog, prefix }: Installation, wanted: number) => keepSpares(catalog, prefix, wanted, { signal })
  const sparesIn = ({ catalog }: Installation) =>
    catalog.kysely.selectFrom('placements').selectAll().where('kind', '=', 'spare').orderBy('id').execute()

  it('are the new tenant at once, which keeps their name, and others are made for those that were taken', async () => {
    const here = await openInstallation(env)
    expect(await fill(here, 2)).toEqual({ made: 2, ready: 2, unready: 0, passedOver: 0, failures: [] })
    expect(await fill(here, 2)).toEqual({ made: 0, ready: 2, unready: 0, passedOver: 0, failures: [] })
    const [first] = await sparesIn(here)
    const tenant = await tenantIn(here, 'quick')
    expect([tenant.state, tenant.placement]).toEqual([
      'active',
      { kind: 'dedicated', host: 'default', database: first?.database_name },
    ])
    expect(await withTenant(here.catalog, tenant, tables => tables.feeds().selectAll().execute())).toEqual([])
    expect((await countSpares(here.catalog)).ready).toBe(1)
    expect(await fill(here, 2)).toEqual({ made: 1, ready: 2, unready: 0, passedOver: 0, failures: [] })
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
    expect(await countSpares(here.catalog)).toEqual({ ready: 0, unready: 2, passedOver: 0 })
    // Nobody is given one of them meanwhile.
    expect((await tenantIn(here, 'meanwhile')).placement.database).toBe(`${here.prefix}meanwhile`)
    expect(await fill(here, 2)).toEqual({ made: 2, ready: 2, unready: 0, passedOver: 0, failures: [] })
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

  it('of which one cannot be made do not keep the others from being made, and the failure is told', async () => {
    const here = await openInstallation(env)
    await dropSpares(here.catalog, { signal })
    await fill(here, 3)
    const [spare] = await sparesIn(here)
    const name = parseDatabaseName(spare?.database_name ?? '')
    const { server, kysely } = here.catalog
    await kysely
      .updateTable('placements')
      .set({ schema_version: 0 })
      .where('id', '=', spare?.id ?? 0)
      .execute()
    await server.drop(name)
    await server.create(name)
    await server.use<TenantSchema, unknown>(name, database =>
      sql.raw(`create table ${database.qualify('theirs' as never)} (id int)`).execute(database.kysely),
    )
    const failure = { host: 'default', database: name, code: 'DATABASE_TAKEN' }
    expect(await fill(here, 3)).toMatchObject({ made: 1, ready: 3, unready: 1, failures: [failure] })
    await tenantIn(here, 'beside-it')
    const job = keepSparesJob(here.catalog, new Log(() => {}), { prefix: here.prefix, wanted: 3 }, signal)
    await expect(job).rejects.toMatchObject({ code: 'PARTIAL', message: expect.stringContaining(name) })
    expect((await countSpares(here.catalog)).ready).toBe(3)
    // More of them than are wanted: no more are tried.
    expect(await fill(here, 1)).toMatchObject({ made: 0, failures: [failure] })
    await dropSpares(here.catalog, { signal })
  })

  it.each([
    ['lazy', { made: 1, ready: 2, unready: 0 }],
    ['command', { made: 1, ready: 2, unready: 1 }],
  ])('that are behind are brought up to date where the first use of a tenant does so, else left to tenant migrate: %s', async (who, left) => {
    const here = await openInstallation({ ...env, FEEDCTL_MIGRATE: who })
    await dropSpares(here.catalog, { signal })
    await fill(here, 2)
    const [spare] = await sparesIn(here)
    await here.catalog.kysely
      .updateTable('placements')
      .set({ schema_version: TENANT_SCHEMA_VERSION - 1 })
      .where('id', '=', spare?.id ?? 0)
      .execute()
    expect(await fill(here, 2)).toMatchObject({ ...left, failures: [] })
  })
})

describeDatabases('spare databases of several hosts', (env, kind) => {
  const signal = new AbortController().signal
  const second = secondHost(kind)

  it('are made and counted where they are taken: not while a host drains, has a bound of tenants, or none go to it', async () => {
    const here = await openInstallation(second.with(env, 'second'))
    const { catalog, config, prefix } = here
    await addHost(catalog, config, 'second', { address: second.address })
    const fill = (wanted: number) => keepSpares(catalog, prefix, wanted, { signal })
    const set = (name: string, change: { state?: 'open' | 'draining'; max_tenants?: number | null; weight?: number }) =>
      catalog.kysely.updateTable('hosts').set(change).where('name', '=', name).execute()
    const hostsOf = async () => {
      const spares = catalog.kysely.selectFrom('placements').innerJoin('hosts', 'hosts.id', 'host_id').where('kind', '=', 'spare')
      return (await spares.select('hosts.name').orderBy('placements.id').execute()).map(({ name }) => name)
    }
    await set('default', { max_tenants: 100 })
    expect(await fill(2)).toMatchObject({ made: 2, ready: 2, passedOver: 0 })
    expect(await hostsOf()).toEqual(['second', 'second'])
    await set('default', { max_tenants: null })
    await set('second', { state: 'draining' })
    expect(await fill(1)).toMatchObject({ made: 1, ready: 1, passedOver: 2 })
    expect(await hostsOf()).toEqual(['second', 'second', 'default'])
    expect((await tenantIn(here, 'quick')).placement).toMatchObject({
      host: 'default',
      database: expect.stringMatching(/_spare_/),
    })
    await set('default', { weight: 0 })
    await expect(fill(1)).rejects.toMatchObject({ code: 'HOST_FULL' })
    await set('default', { weight: 100 })
    await set('second', { state: 'open' })
    // A tenant here, two spare ones there.
    expect(await fill(5)).toMatchObject({ made: 3, ready: 5, passedOver: 0 })
    expect((await hostsOf()).filter(host => host === 'default')).toHaveLength(2)
  })
})
