import type { Selectable } from 'kysely'
import { Failure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { contentColumns } from './content-version.js'
import type { PlacementKind, TenantState, TenantsTable } from './databases/index.js'
import { type DatabaseName, parseDatabaseName, parseSlug, parseTenantId, type TenantId, type TenantSlug } from './ids.js'

export interface Placement {
  readonly kind: PlacementKind
  /** Name of the database host. */
  readonly host: string
  readonly database: DatabaseName
}

/** A customer, as the catalog knows it. */
export interface Tenant {
  readonly id: TenantId
  readonly slug: TenantSlug
  readonly name: string
  readonly state: TenantState
  readonly placement: Placement
  /** The placement's number: another after every move. */
  readonly placementId: number
  /** Of the tables in its database, as the catalog knows it; 0 while they are made or removed. */
  readonly schemaVersion: number
  /** What pruning leaves of its posts where a feed says nothing else; null is as the settings have it. */
  readonly keepDays: number | null
  readonly keepPosts: number | null
  /** What is stored of its posts' media; null is as the settings have it. `mediaTypes`: empty for nothing. */
  readonly mediaTypes: readonly string[] | null
  readonly mediaMaxBytes: number | null
  readonly mediaPerPost: number | null
  /** When a tenant in state `deleting` may be removed, epoch ms; null in other states, and while it is dumped first: then it is never due. */
  readonly deleteAfterAt: number | null
  readonly createdAt: number
}

export interface TenantPage {
  readonly tenants: readonly Tenant[]
  /** Pass it as `after` for the next page; null on the last. */
  readonly next: TenantSlug | null
}

export interface TenantFilter {
  readonly state?: TenantState
  readonly placement?: PlacementKind
  readonly after?: string
  readonly limit: number
}

/** @throws {Failure} TENANT_NOT_FOUND */
export async function getTenant(catalog: Catalog, slug: TenantSlug): Promise<Tenant> {
  const row = await tenantRows(catalog).where('tenants.slug', '=', slug).executeTakeFirst()
  if (row === undefined) throw new Failure('TENANT_NOT_FOUND', `there is no tenant ${slug}`, { hint: 'feedctl tenant list' })
  return tenantOf(row)
}

/** Null when there is no such tenant: a job may outlive the tenant it was for. */
export async function findTenant(catalog: Catalog, id: TenantId): Promise<Tenant | null> {
  const row = await tenantRows(catalog).where('tenants.id', '=', id).executeTakeFirst()
  return row === undefined ? null : tenantOf(row)
}

/** Which of these are not there any more; one whose grace is not over is. */
export async function removedTenants(catalog: Catalog, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await catalog.kysely.selectFrom('tenants').select('id').where('id', 'in', ids).execute()
  const there = new Set(rows.map(({ id }) => id))
  return new Set(ids.filter(id => !there.has(id)))
}

/** @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE */
export async function getActiveTenant(catalog: Catalog, slug: TenantSlug): Promise<Tenant> {
  const tenant = await getTenant(catalog, slug)
  if (tenant.state === 'active') return tenant
  const hint = tenant.state === 'provisioning' ? `feedctl tenant create ${slug}` : `feedctl tenant resume ${slug}`
  throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is ${tenant.state}`, { hint })
}

/** One page in slug order. */
export async function listTenants(catalog: Catalog, filter: TenantFilter): Promise<TenantPage> {
  // Their numbers first, in the order of the index of slugs: MariaDB would begin with the placements, and sort all tenants of them.
  let page = catalog.kysely
    .selectFrom('tenants')
    .select(['tenants.id', 'tenants.slug'])
    .orderBy('tenants.slug')
    .limit(filter.limit + 1)
  const { state, placement, after } = filter
  if (state !== undefined) page = page.where('tenants.state', '=', state)
  if (placement !== undefined) {
    page = page.innerJoin('placements', 'placements.id', 'tenants.placement_id').where('placements.kind', '=', placement)
  }
  if (after !== undefined) page = page.where('tenants.slug', '>', parseSlug(after))
  const found = await page.execute()
  const shown = found.slice(0, filter.limit)
  const last = shown.at(-1)
  if (last === undefined) return { tenants: [], next: null }
  const ids = shown.map(row => row.id)
  const rows = await tenantRows(catalog).where('tenants.id', 'in', ids).orderBy('tenants.slug').execute()
  return { tenants: rows.map(tenantOf), next: found.length > shown.length ? parseSlug(last.slug) : null }
}

/** `delete_after` of a tenant whose removal is under way, or was when its process died: only the removal may go on. */
export const REMOVAL_BEGUN = 0

/** Moves a tenant from one of the states to another, in one statement; never one whose removal has begun. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE */
export async function changeState(
  catalog: Catalog,
  slug: TenantSlug,
  from: readonly TenantState[],
  to: TenantState,
  deleteAfterAt: number | null = null,
): Promise<Tenant> {
  const changed = await catalog.kysely
    .updateTable('tenants')
    .set({ state: to, delete_after: deleteAfterAt, updated_at: Date.now(), ...contentColumns(catalog) })
    // Who comes back is synced at once: nobody has looked at its sources meanwhile.
    .$if(to === 'active', update => update.set({ next_sync_at: null }))
    .where('slug', '=', slug)
    .where('state', 'in', [...from])
    .where(eb => eb.or([eb('delete_after', 'is', null), eb('delete_after', '>', REMOVAL_BEGUN)]))
    .executeTakeFirst()
  const tenant = await getTenant(catalog, slug)
  if (changed.numUpdatedRows > 0n) return tenant
  throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is ${tenant.state}`, { hint: `feedctl tenant show ${slug}` })
}

export interface TenantRow extends Selectable<TenantsTable> {
  kind: PlacementKind
  database_name: string
  host: string
  schema_version: number
}

/** Tenants with their placement, in one statement. */
export function tenantRows(catalog: Catalog) {
  return (
    catalog.kysely
      .selectFrom('tenants')
      .innerJoin('placements', 'placements.id', 'tenants.placement_id')
      .innerJoin('hosts', 'hosts.id', 'placements.host_id')
      .selectAll('tenants')
      .select(['placements.database_name', 'placements.schema_version', 'hosts.name as host'])
      // No tenant is on a spare one.
      .select(eb => eb.ref('placements.kind').$castTo<PlacementKind>().as('kind'))
  )
}

export function tenantOf(row: TenantRow): Tenant {
  return {
    id: parseTenantId(row.id),
    slug: parseSlug(row.slug),
    name: row.name,
    state: row.state,
    placement: { kind: row.kind, host: row.host, database: parseDatabaseName(row.database_name) },
    placementId: row.placement_id,
    schemaVersion: row.schema_version,
    keepDays: row.keep_days,
    keepPosts: row.keep_posts,
    mediaTypes: row.media_types === null ? null : row.media_types.split(',').filter(type => type !== ''),
    mediaMaxBytes: row.media_max_bytes,
    mediaPerPost: row.media_per_post,
    deleteAfterAt: row.delete_after,
    createdAt: row.created_at,
  }
}
