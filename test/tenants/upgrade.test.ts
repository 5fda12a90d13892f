import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { addFeeds, listFeeds } from '../../src/feeds/subscriptions.js'
import { deletePosts } from '../../src/feeds/tombstones.js'
import {
  applyMigrations,
  insertRows,
  ledgerOf,
  type OpenDatabase,
  TENANT_MIGRATIONS,
  type TenantSchema,
} from '../../src/tenants/databases/index.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from './installation.js'
import { TENANT_SCHEMA_1 } from './schema-1.js'

type Tenants = OpenDatabase<TenantSchema>

const VERSIONS = TENANT_MIGRATIONS.map(({ version }) => version)
const LATEST = VERSIONS.at(-1)

describeDatabases('tenants of an earlier feedctl, where their first use upgrades them', settings => {
  const env = { ...settings, FEEDCTL_MIGRATE: 'lazy' }
  let turn = 0
  const on = <T>(here: Installation, tenant: Tenant, deed: (database: Tenants) => Promise<T>) =>
    here.catalog.server.use<TenantSchema, T>(tenant.placement.database, deed)

  /** A tenant as version 1 left it: two feeds, three posts. */
  const earlier = async (here: Installation): Promise<Tenant> => {
    const tenant = await tenantIn(here, `old-${++turn}`)
    await here.catalog.server.drop(tenant.placement.database)
    await here.catalog.server.create(tenant.placement.database)
    await on(here, tenant, async database => {
      await applyMigrations(database, TENANT_SCHEMA_1, here.catalog.id, 1)
      await fill(database, tenant)
    })
    await setVersion(here, tenant, 1)
    return getTenant(here.catalog, tenant.slug)
  }
  const setVersion = (here: Installation, tenant: Tenant, version: number) =>
    here.catalog.kysely
      .updateTable('placements')
      .set({ schema_version: version })
      .where('database_name', '=', tenant.placement.database)
      .execute()
  const fill = async (database: Tenants, tenant: Tenant) => {
    const feeds = sql.raw(database.qualify('feeds'))
    for (const id of [1, 2])
      await sql`insert into ${feeds} (tenant_id, id, source_id, url, created_at) values (${tenant.id}, ${id}, ${id + 1000}, ${`https://${id}.example/`}, 1)`.execute(
        database.kysely,
      )
    await insertRows(database, 'counters', [
      { tenant_id: tenant.id as number, name: 'feeds', next: 3 },
      { tenant_id: tenant.id as number, name: 'posts', next: 4 },
    ])
    await insertOld(database, tenant, [
      { id: 1, published: null, created: 50 },
      { id: 2, published: 20, created: 50 },
      { id: 3, published: 90, created: 50 },
    ])
  }
  const insertOld = async (
    database: Tenants,
    tenant: Tenant,
    posts: readonly { id: number; published: number | null; created: number }[],
  ) => {
    const table = sql.raw(database.qualify('posts'))
    for (const { id, published, created } of posts)
      await sql`insert into ${table} (tenant_id, id, feed_id, guid, guid_hash, content_hash, title, content, categories, enclosures, published_at, created_at, changed_at)
        values (${tenant.id}, ${id}, 1, ${`g${id}`}, ${String(id).padStart(22, '0')}, ${'c'.repeat(22)}, '', '', '[]', '[]', ${published}, ${created}, ${created})`.execute(
        database.kysely,
      )
  }
  const orderOf = (here: Installation, tenant: Tenant) =>
    withTenant(here.catalog, tenant, tables =>
      tables.posts().select(['id', 'sort_at', 'image']).orderBy('sort_at').orderBy('id').execute(),
    )
  const versionOf = async (here: Installation, tenant: Tenant) => (await getTenant(here.catalog, tenant.slug)).schemaVersion
  const ledger = (here: Installation, tenant: Tenant, version: number, by: 'insert' | 'delete') =>
    on(here, tenant, database => {
      const table = sql.raw(database.qualify('feedctl_migrations'))
      return (
        by === 'insert'
          ? sql`insert into ${table} (version, catalog_id, applied_at) values (${version}, ${here.catalog.id}, 1)`
          : sql`delete from ${table} where version = ${version}`
      ).execute(database.kysely)
    })

  it('work as before, and with all that is new', async () => {
    const here = await openInstallation(env)
    const tenant = await earlier(here)
    expect((await listFeeds(here.catalog, tenant)).map(feed => [feed.url, feed.alert])).toEqual([
      ['https://1.example/', null],
      ['https://2.example/', null],
    ])
    expect(await orderOf(here, tenant)).toEqual([
      { id: 2, sort_at: 20, image: null },
      { id: 1, sort_at: 50, image: null },
      { id: 3, sort_at: 50, image: null },
    ])
    await addFeeds(here.catalog, tenant, [{ url: 'https://new.example/', title: null }])
    expect(await withTenant(here.catalog, tenant, tables => deletePosts(tables, [1], 100))).toBe(1)
    expect(await versionOf(here, tenant)).toBe(LATEST)
    expect((await on(here, tenant, ledgerOf)).map(row => row.version)).toEqual(VERSIONS)
  })

  it('are brought up to date once by all who come at the same moment, in two processes', async () => {
    const [here, there] = [await openInstallation(env), await openInstallation(env)]
    const tenant = await earlier(here)
    const orders = await Promise.all(Array.from({ length: 12 }, (_, n) => orderOf(n % 2 === 0 ? here : there, tenant)))
    expect(orders.every(order => order.length === 3)).toBe(true)
    expect((await on(here, tenant, ledgerOf)).map(row => row.version)).toEqual(VERSIONS)
  })

  it('are brought up to date by who goes on after one that was killed, at any statement', async () => {
    const here = await openInstallation(env)
    const later = TENANT_MIGRATIONS.filter(({ version }) => version > 1)
    const statements = later.flatMap(migration => migration[here.catalog.server.dialect])
    expect(statements.length).toBeGreaterThan(4)
    for (let done = 0; done <= statements.length; done++) {
      const tenant = await earlier(here)
      const half = { version: 2, sqlite: statements.slice(0, done), mysql: statements.slice(0, done) }
      await on(here, tenant, async database => {
        await applyMigrations(database, [...TENANT_SCHEMA_1, half], here.catalog.id, 1)
        await sql`delete from ${sql.raw(database.qualify('feedctl_migrations'))} where version = 2`.execute(database.kysely)
      })
      expect((await orderOf(here, tenant)).length).toBe(3)
      expect(await versionOf(here, tenant)).toBe(LATEST)
    }
  })

  it('take what a feedctl of before writes meanwhile, in its order', async () => {
    const here = await openInstallation(env)
    const tenant = await earlier(here)
    await orderOf(here, tenant)
    await on(here, tenant, database => insertOld(database, tenant, [{ id: 4, published: 10, created: 60 }]))
    expect((await orderOf(here, tenant)).map(row => row.id)).toEqual([4, 2, 1, 3])
  })

  it('are left alone while they are made or removed', async () => {
    const here = await openInstallation(env)
    const tenant = await earlier(here)
    await setVersion(here, tenant, 0)
    const unfinished = await getTenant(here.catalog, tenant.slug)
    await expect(orderOf(here, unfinished)).rejects.toThrow()
    expect((await on(here, tenant, ledgerOf)).map(row => row.version)).toEqual([1])
    expect(await versionOf(here, tenant)).toBe(0)
  })

  it('are tried again after a failure', async () => {
    const here = await openInstallation(env)
    const tenant = await earlier(here)
    await ledger(here, tenant, 99, 'insert')
    await expect(orderOf(here, tenant)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' })
    expect(await versionOf(here, tenant)).toBe(1)
    await ledger(here, tenant, 99, 'delete')
    expect((await orderOf(here, tenant)).length).toBe(3)
  })

  it('are refused by the process that upgraded them, once a later feedctl has migrated them', async () => {
    const here = await openInstallation(env)
    const tenant = await earlier(here)
    expect((await orderOf(here, tenant)).length).toBe(3)
    await ledger(here, tenant, 99, 'insert')
    await setVersion(here, tenant, 99)
    const migrated = await getTenant(here.catalog, tenant.slug)
    await expect(orderOf(here, migrated)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' })
  })

  it('in a shared database all gain by the first', async () => {
    const here = await openInstallation(env)
    const [mine, theirs] = [await tenantIn(here, 'mine', 'shared'), await tenantIn(here, 'theirs', 'shared')]
    await here.catalog.server.drop(mine.placement.database)
    await here.catalog.server.create(mine.placement.database)
    await on(here, mine, async database => {
      await applyMigrations(database, TENANT_SCHEMA_1, here.catalog.id, 1)
      for (const tenant of [mine, theirs]) await fill(database, tenant)
    })
    await setVersion(here, mine, 1)
    await orderOf(here, await getTenant(here.catalog, mine.slug))
    const now = await getTenant(here.catalog, theirs.slug)
    expect([now.schemaVersion, (await orderOf(here, now)).length]).toEqual([LATEST, 3])
  })

  it('end with the tables that a new one starts with', async () => {
    const here = await openInstallation(env)
    const shapeOf = async (tenant: Tenant) => {
      await withTenant(here.catalog, tenant, tables => tables.feeds().selectAll().execute())
      const { rows } = await on(here, tenant, ({ kysely, dialect }) =>
        (dialect === 'sqlite'
          ? sql<{ part: string }>`
              select m.name || '.' || c.name || ' ' || c.type || c."notnull" || c.hidden as part from sqlite_master m, pragma_table_xinfo(m.name) c where m.type = 'table'
              union select i.name || ' ' || k.seqno || k.name from sqlite_master i, pragma_index_info(i.name) k where i.type = 'index'`
          : sql<{ part: string }>`
              select concat(table_name, '.', column_name, ' ', column_type, is_nullable, extra, ifnull(collation_name, '')) as part
                from information_schema.columns where table_schema = ${tenant.placement.database}
              union select concat(table_name, '.', index_name, ' ', seq_in_index, column_name, non_unique)
                from information_schema.statistics where table_schema = ${tenant.placement.database}`
        ).execute(kysely),
      )
      return rows.map(row => row.part).toSorted()
    }
    const [old, fresh] = [await shapeOf(await earlier(here)), await shapeOf(await tenantIn(here, 'fresh'))]
    for (const part of ['posts.sort_at', 'tombstones.guid_hash', 'feeds.alert', 'posts_order'])
      expect(fresh.some(line => line.includes(part))).toBe(true)
    expect(old).toEqual(fresh)
  })
})
