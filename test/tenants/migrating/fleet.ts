import { sql } from 'kysely'
import {
  applyMigrations,
  type Migration,
  type OpenDatabase,
  TENANT_MIGRATIONS,
  type TenantSchema,
} from '../../../src/tenants/databases/index.js'
import { parseSlug } from '../../../src/tenants/ids.js'
import { type MigrateWish, migrateTenants } from '../../../src/tenants/migrating/migrate.js'
import type { MigrationReport } from '../../../src/tenants/migrating/report.js'
import { getTenant, type Tenant } from '../../../src/tenants/tenant.js'
import { type Installation, tenantIn } from '../installation.js'
import { TENANT_SCHEMA_1 } from '../schema-1.js'

export const LATEST = TENANT_MIGRATIONS.at(-1)?.version ?? 0

/** A schema of after the one of today: a table, and an index that two feeds of one URL refuse. */
export const TOMORROW: readonly Migration[] = [
  ...TENANT_MIGRATIONS,
  {
    version: LATEST + 1,
    sqlite: [
      'create table if not exists marks (tenant_id integer not null primary key)',
      'create unique index if not exists feeds_url on feeds (tenant_id, url)',
    ],
    mysql: [
      'create table if not exists marks (tenant_id bigint not null primary key) engine=innodb',
      'alter table feeds add unique index feeds_url (tenant_id, url(100))',
    ],
  },
]

export async function on<T>(
  { catalog }: Pick<Installation, 'catalog'>,
  tenant: Tenant,
  deed: (database: OpenDatabase<TenantSchema>) => Promise<T>,
): Promise<T> {
  const server = await catalog.hosts.serverOf(tenant.placement.host)
  return server.use<TenantSchema, T>(tenant.placement.database, deed)
}

/** Has a transaction use the table of the tenant's feeds, which no migration can change then, until the answer is called; that returns when it has ended. */
export function holdFeeds(here: Pick<Installation, 'catalog'>, tenant: Tenant): Promise<() => Promise<void>> {
  return new Promise((resolve, reject) => {
    const holding = on(here, tenant, ({ kysely }) =>
      kysely.transaction().execute(async transaction => {
        await transaction.updateTable('feeds').set({ created_at: 1 }).where('tenant_id', '=', tenant.id).execute()
        await new Promise<void>(release =>
          resolve(() => {
            release()
            return holding
          }),
        )
      }),
    )
    holding.catch(reject)
  })
}

/** Feeds of these URLs, as every version of the schema takes them. */
export async function addRows(here: Installation, tenant: Tenant, urls: readonly string[]): Promise<void> {
  await on(here, tenant, async database => {
    const feeds = sql.raw(database.qualify('feeds'))
    for (const [index, url] of urls.entries())
      await sql`insert into ${feeds} (tenant_id, id, source_id, url, created_at) values (${tenant.id}, ${index + 1}, ${index + 1001}, ${url}, 1)`.execute(
        database.kysely,
      )
  })
}

export async function urlsOf(here: Installation, tenant: Tenant): Promise<string[]> {
  const rows = await on(here, tenant, ({ kysely }) =>
    kysely.selectFrom('feeds').select('url').where('tenant_id', '=', tenant.id).orderBy('id').execute(),
  )
  return rows.map(row => row.url)
}

/** As version 1 left it, with two feeds. */
export async function earlierTenant(here: Installation, slug: string): Promise<Tenant> {
  const tenant = await tenantIn(here, slug)
  const { server } = here.catalog
  await server.drop(tenant.placement.database)
  await server.create(tenant.placement.database)
  await on(here, tenant, database => applyMigrations(database, TENANT_SCHEMA_1, here.catalog.id, 1))
  await addRows(here, tenant, ['https://1.example/', 'https://2.example/'])
  await setVersion(here, tenant, 1)
  return getTenant(here.catalog, tenant.slug)
}

export async function setVersion(here: Installation, tenant: Tenant, version: number): Promise<void> {
  await here.catalog.kysely
    .updateTable('placements')
    .set({ schema_version: version })
    .where('database_name', '=', tenant.placement.database)
    .execute()
}

export async function versionOf(here: Installation, tenant: Tenant): Promise<number> {
  return (await getTenant(here.catalog, tenant.slug)).schemaVersion
}

/** Where a tenant keeps the new schema from being applied: two feeds have one URL. */
export async function spoil(here: Installation, slug: string): Promise<Tenant> {
  const tenant = await tenantIn(here, slug)
  await addRows(here, tenant, ['https://same.example/', 'https://same.example/'])
  return tenant
}

export async function mend(here: Installation, tenant: Tenant): Promise<void> {
  await on(here, tenant, ({ kysely }) =>
    kysely.deleteFrom('feeds').where('tenant_id', '=', tenant.id).where('id', '=', 2).execute(),
  )
}

export function migrating(here: Installation, wish: Partial<MigrateWish> = {}): Promise<MigrationReport> {
  return migrateTenants(here.catalog, {
    which: 'all',
    options: {},
    signal: new AbortController().signal,
    migrations: TOMORROW,
    ...wish,
  })
}

export const slug = parseSlug
