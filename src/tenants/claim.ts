import { Failure } from '../kernel/errors.js'
import { holderIsGone } from '../kernel/holder.js'
import type { Catalog } from './catalog.js'
import { insertRows, type PlacementKind } from './databases/index.js'
import {
  type DatabaseName,
  dedicatedDatabase,
  parseDatabaseName,
  parseSlug,
  parseTenantId,
  sharedDatabase,
  type TenantId,
  type TenantSlug,
} from './ids.js'
import { tenantRows } from './tenant.js'

/** After this, a creation whose process is not heard of is finished by another. */
const CLAIM_MS = 60_000

export interface NewTenant {
  readonly slug: TenantSlug
  readonly name: string
  readonly placement: PlacementKind
}

/** A tenant in state `provisioning` that this process, and no other, may finish. */
export interface ClaimedTenant {
  readonly id: TenantId
  readonly slug: TenantSlug
  readonly kind: PlacementKind
  readonly placementId: number
  /** Name of the database host. */
  readonly host: string
  readonly database: DatabaseName
  readonly schemaVersion: number
  /** False when it takes up a creation that was begun earlier. */
  readonly isNew: boolean
  /** The database is its own, and yet another tenant's too: it must not be touched. */
  readonly isCrowded: boolean
}

/**
 * Writes the tenants that do not exist yet, and takes up those whose creation was left off. What is missing from the answer exists,
 * or is being created by someone else.
 */
export async function claimTenants(
  catalog: Catalog,
  prefix: string,
  wanted: readonly NewTenant[],
  holder: string,
): Promise<ClaimedTenant[]> {
  const slugs = wanted.map(tenant => tenant.slug)
  const before = new Set(
    (await catalog.kysely.selectFrom('tenants').select('slug').where('slug', 'in', slugs).execute()).map(row => row.slug),
  )
  const missing = wanted.filter(tenant => !before.has(tenant.slug))
  const now = Date.now()
  const placements = await placementsFor(catalog, prefix, missing, now)
  const rows = missing.map(tenant => ({
    slug: tenant.slug as string,
    name: tenant.name,
    state: 'provisioning' as const,
    placement_id: placements.get(placementName(prefix, tenant)) ?? 0,
    claimed_by: holder,
    claimed_at: now,
    created_at: now,
    updated_at: now,
  }))
  await insertRows(catalog.database, 'tenants', rows, 'keep')
  if (before.size > 0) await takeUp(catalog, [...before], holder, now)
  const claimed = await tenantRows(catalog)
    .innerJoin('placements as p', 'p.id', 'tenants.placement_id')
    .select('p.schema_version')
    .where('tenants.slug', 'in', slugs)
    .where('tenants.claimed_by', '=', holder)
    .execute()
  const crowded = await crowdedAmong(
    catalog,
    claimed.flatMap(row => (row.kind === 'dedicated' ? [row.placement_id] : [])),
  )
  return claimed.map(row => ({
    id: parseTenantId(row.id),
    slug: parseSlug(row.slug),
    kind: row.kind,
    placementId: row.placement_id,
    host: row.host,
    database: parseDatabaseName(row.database_name),
    schemaVersion: row.schema_version,
    isNew: !before.has(row.slug),
    isCrowded: crowded.has(row.placement_id),
  }))
}

/** Which of these placements have more than one tenant. */
async function crowdedAmong(catalog: Catalog, placementIds: readonly number[]): Promise<ReadonlySet<number>> {
  if (placementIds.length === 0) return new Set()
  const rows = await catalog.kysely
    .selectFrom('tenants')
    .select('placement_id')
    .where('placement_id', 'in', placementIds)
    .groupBy('placement_id')
    .having(eb => eb.fn.countAll<number>(), '>', 1)
    .execute()
  return new Set(rows.map(row => row.placement_id))
}

async function takeUp(catalog: Catalog, slugs: readonly string[], holder: string, now: number): Promise<void> {
  const left = await catalog.kysely
    .selectFrom('tenants')
    .select(['id', 'claimed_by', 'claimed_at'])
    .where('slug', 'in', [...slugs])
    .where('state', '=', 'provisioning')
    .execute()
  for (const row of left) {
    const free = row.claimed_by === null || (row.claimed_at ?? 0) < now - CLAIM_MS || holderIsGone(row.claimed_by)
    if (!free) continue
    const query = catalog.kysely.updateTable('tenants').set({ claimed_by: holder, claimed_at: now }).where('id', '=', row.id)
    await (row.claimed_by === null
      ? query.where('claimed_by', 'is', null)
      : query.where('claimed_by', '=', row.claimed_by)
    ).execute()
  }
}

/** Numbers of the placements the tenants go to, by database name; those that are missing are written. */
async function placementsFor(
  catalog: Catalog,
  prefix: string,
  tenants: readonly NewTenant[],
  now: number,
): Promise<Map<string, number>> {
  if (tenants.length === 0) return new Map()
  const host = await catalog.kysely.selectFrom('hosts').select('id').where('name', '=', 'default').executeTakeFirst()
  if (host === undefined) throw new Failure('HOST_NOT_FOUND', 'the catalog has no database host', { hint: 'feedctl init' })
  const kinds = new Map(tenants.map(tenant => [placementName(prefix, tenant), tenant.placement]))
  const rows = [...kinds].map(([name, kind]) => ({
    kind,
    host_id: host.id,
    database_name: name as string,
    schema_version: 0,
    created_at: now,
  }))
  await insertRows(catalog.database, 'placements', rows, 'keep')
  const found = await catalog.kysely
    .selectFrom('placements')
    .select(['id', 'kind', 'database_name'])
    .where('host_id', '=', host.id)
    .where('database_name', 'in', [...kinds.keys()])
    .execute()
  const other = found.find(row => row.kind !== kinds.get(parseDatabaseName(row.database_name)))
  if (other !== undefined) {
    const hint = 'choose another slug, or set FEEDCTL_DATABASE_PREFIX'
    throw new Failure('DATABASE_TAKEN', `the database ${other.database_name} is a ${other.kind} one`, { hint })
  }
  return new Map(found.map(row => [row.database_name, row.id]))
}

function placementName(prefix: string, tenant: NewTenant): DatabaseName {
  return tenant.placement === 'dedicated' ? dedicatedDatabase(prefix, tenant.slug) : sharedDatabase(prefix, 1)
}
