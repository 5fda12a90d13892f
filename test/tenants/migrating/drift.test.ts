import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { orphanDatabases } from '../../../src/doctor/orphans.js'
import {
  applyMigrations,
  describeSchema,
  differencesOf,
  insertRows,
  TENANT_MIGRATIONS,
  type TenantSchema,
} from '../../../src/tenants/databases/index.js'
import { expectedDatabase } from '../../../src/tenants/ids.js'
import { checkTenants } from '../../../src/tenants/migrating/check.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { upgradeDatabase } from '../../../src/tenants/upgrade.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../installation.js'
import { earlierTenant, LATEST, on, setVersion, slug } from './fleet.js'

describeDatabases('the schema of a database, compared with the expected one', (env, kind) => {
  const check = (here: Installation, slugs: readonly string[] | null, sample: number | null = null) =>
    checkTenants(here.catalog, {
      slugs: slugs === null ? null : slugs.map(slug),
      drift: { sample, prefix: here.prefix },
      signal: new AbortController().signal,
    })
  const run = (here: Installation, tenant: Tenant, table: string, text: (name: string) => string) =>
    on(here, tenant, ({ kysely, qualify }) => sql.raw(text(qualify(table as never))).execute(kysely))
  const differencesOfOne = async (here: Installation, tenant: Tenant) =>
    (await check(here, [tenant.slug])).drift?.databases.flatMap(found => found.differences)

  /** What a check that was killed left, of that catalog. */
  const leave = async (here: Installation, catalogId: string) => {
    const name = expectedDatabase(here.prefix, here.catalog.id)
    await here.catalog.server.create(name)
    await here.catalog.server.use<TenantSchema, number>(name, database =>
      applyMigrations(database, TENANT_MIGRATIONS.slice(0, 2), catalogId, 1),
    )
    return name
  }

  it('is the same whether a database was made new, made by several at once, or upgraded from version 1', async () => {
    const here = await openInstallation(env)
    const [made, old, shared] = [
      await tenantIn(here, 'made'),
      await earlierTenant(here, 'old'),
      await tenantIn(here, 'shared', 'shared'),
    ]
    await upgradeDatabase(here.catalog, { ...old.placement, schemaVersion: 1 })
    const report = await check(here, null)
    expect(report.drift).toEqual({ checked: 3, drifted: 0, notCompared: [], databases: [] })
    expect(report.databases).toMatchObject({ total: 3, current: 3, behind: 0 })
    const described = await on(here, made, database => describeSchema(database, made.placement.database))
    expect([...described.keys()].toSorted()).toEqual(
      expect.arrayContaining(['events', 'feedctl_migrations', 'feeds', 'media', 'posts', 'residents', 'tombstones']),
    )
    const posts = described.get('posts')?.parts
    expect(posts?.get('column sort_at')).toMatch(/(least|min)\(coalesce\(/)
    expect([...(posts?.keys() ?? [])]).toEqual(expect.arrayContaining(['primary key', 'index posts_order', 'column image']))
    expect(await here.catalog.server.has(expectedDatabase(here.prefix, here.catalog.id))).toBe(false)
    expect(shared.placement.kind).toBe('shared')
  })

  it('tells by name what is missing, what is too much and what is another', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'drifted')
    await run(here, tenant, 'tombstones', name => `drop table ${name}`)
    await run(here, tenant, 'mine', name => `create table ${name} (id int)`)
    await run(here, tenant, 'feeds', name => `alter table ${name} add column note text`)
    await run(here, tenant, 'posts', name =>
      kind === 'mysql' ? `alter table ${name} drop index posts_order` : 'drop index posts_order',
    )
    if (kind === 'mysql') {
      await run(here, tenant, 'posts', name => `alter table ${name} modify column author varchar(100)`)
      await run(here, tenant, 'media', name => `alter table ${name} alter column attempts set default 3`)
      await run(here, tenant, 'counters', name => `alter table ${name} convert to character set latin1`)
    }
    const found = await differencesOfOne(here, tenant)
    expect(found).toEqual(
      expect.arrayContaining([
        'table tombstones is missing',
        'table mine is not expected',
        'feeds: column note is not expected',
        'posts: index posts_order is missing',
      ]),
    )
    if (kind === 'mysql') {
      expect(found?.find(one => one.startsWith('posts: column author is varchar(100)'))).toContain('expected text')
      expect(found?.find(one => one.startsWith('media: column attempts'))).toMatch(/default 3.*expected.*default 0/)
      expect(found?.find(one => one.startsWith('table counters is innodb latin1'))).toContain('utf8mb4_bin')
    } else expect(found).toHaveLength(4)
  })

  it('is looked at in the database itself: a version that a restored backup set back, and a database that is gone, are told', async () => {
    const here = await openInstallation(env)
    const [back, gone] = [await tenantIn(here, 'set-back'), await tenantIn(here, 'gone')]
    await run(here, back, 'feedctl_migrations', name => `delete from ${name} where version = ${LATEST}`)
    await here.catalog.server.drop(gone.placement.database)
    expect(await differencesOfOne(here, back)).toEqual([`it says that it has schema ${LATEST - 1}, the catalog ${LATEST}`])
    expect((await differencesOfOne(here, gone))?.join()).toMatch(/missing|there is no database/)
  })

  it('is compared for a sample of so many, and for none that is behind', async () => {
    const here = await openInstallation(env)
    const before = (await check(here, null)).databases.total
    for (const name of ['s-1', 's-2', 's-3']) await tenantIn(here, name)
    await setVersion(here, await tenantIn(here, 'late'), LATEST - 1)
    const report = await check(here, null, 2)
    expect([report.drift?.checked, report.databases.total, report.databases.behind]).toEqual([2, before + 4, 1])
    expect((await check(here, ['late'])).drift).toEqual({ checked: 0, drifted: 0, notCompared: [], databases: [] })
  })

  it('is found by a check that comes after one that was killed', async () => {
    const here = await openInstallation(env)
    const name = await leave(here, here.catalog.id)
    expect((await orphanDatabases(here.catalog, here.prefix)).found.map(found => found.name)).not.toContain(name)
    const tenant = await tenantIn(here, 'after')
    expect(await differencesOfOne(here, tenant)).toEqual([])
    expect(await here.catalog.server.has(name)).toBe(false)
    expect(differencesOf(new Map(), new Map())).toEqual([])
  })

  it('is expected in a database of which another catalog has none by that name, and removes none that is not its own', async () => {
    const here = await openInstallation(env)
    expect(expectedDatabase(here.prefix, 'another')).not.toBe(expectedDatabase(here.prefix, here.catalog.id))
    const tenant = await tenantIn(here, 'beside')
    const name = await leave(here, 'another')
    const { drift } = await check(here, [tenant.slug])
    expect(drift).toMatchObject({ checked: 0, notCompared: [{ host: 'default', code: 'DATABASE_TAKEN', databases: 1 }] })
    expect(await here.catalog.server.has(name)).toBe(true)
    await here.catalog.server.drop(name)
  })

  it('is compared on the other hosts while one does not answer, and those that were not compared are told', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'within-reach')
    const { kysely, database } = here.catalog
    const address = kind === 'mysql' ? '127.0.0.1:1' : join(here.config.data, 'not-mounted')
    await insertRows(database, 'hosts', [{ name: 'away', address, username: null, created_at: 1 }])
    const away = await kysely.selectFrom('hosts').select('id').where('name', '=', 'away').executeTakeFirstOrThrow()
    const row = { kind: 'shared' as const, host_id: away.id, schema_version: LATEST, created_at: 1 }
    await insertRows(
      database,
      'placements',
      ['far_1', 'far_2'].map(name => ({ ...row, database_name: name })),
    )
    await run(here, tenant, 'mine', name => `create table ${name} (id int)`)
    const report = (await check(here, null)).drift
    expect(report?.notCompared).toMatchObject([{ host: 'away', code: 'UNAVAILABLE', databases: 2 }])
    expect(report?.databases.map(found => found.tenant)).toContain('within-reach')
    await kysely.deleteFrom('placements').where('host_id', '=', away.id).execute()
  })
})
