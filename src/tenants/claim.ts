import { Failure } from '../kernel/errors.js'
import { holderIsGone } from '../kernel/holder.js'
import type { Catalog } from './catalog.js'
import { type Claim, forgetUnplaced, type Refuse, writeTenants } from './claimed-rows.js'
import type { PlacementKind } from './databases/index.js'
import { placing } from './hosts/placing.js'
import { readHosts } from './hosts/rows.js'
import { type HostWanted, isWanted } from './hosts/spreading.js'
import { type DatabaseName, parseDatabaseName, parseSlug, parseTenantId, type TenantId, type TenantSlug } from './ids.js'
import { type TenantRow, tenantRows } from './tenant.js'

/** After this, a creation whose process is not heard of is finished by another. */
const CLAIM_MS = 60_000
const NO_POLICY = { keep_days: null, keep_posts: null, media_types: null, media_max_bytes: null, media_per_post: null }

export interface NewTenant extends HostWanted {
  readonly slug: TenantSlug
  readonly name: string
  readonly placement: PlacementKind
  /** One of the leak probe's own, which the next probe removes: nobody else makes such. */
  readonly isCanary?: boolean
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
  /** Who was made for the database, maybe for a tenant before this one; null for none. */
  readonly dbUser: string | null
  /** False when it takes up a creation that was begun earlier. */
  readonly isNew: boolean
  /** The database is its own, and yet another tenant's too: it must not be touched. */
  readonly isCrowded: boolean
  /** Its database was a spare one until now, and goes with it when it is refused. */
  readonly wasSpare: boolean
}

/**
 * Writes the tenants that do not exist yet, and takes up those whose creation was left off. What is missing from the answer exists,
 * or is being created by someone else; of those that have no place that takes them, or were begun in another than is wanted, `refuse` is told, which throws when
 * nobody gives another.
 */
export async function claimTenants(
  catalog: Catalog,
  prefix: string,
  wanted: readonly NewTenant[],
  holder: string,
  refuse: Refuse = throwIt,
): Promise<ClaimedTenant[]> {
  const slugs = wanted.map(tenant => tenant.slug)
  const before = await slugsAmong(catalog, slugs)
  const missing = wanted.filter(tenant => !before.has(tenant.slug))
  const now = Date.now()
  if (missing.length > 0) {
    await placing(catalog, prefix, missing, async places => {
      const placed = missing.flatMap((tenant, index) => {
        const place = places[index]
        if (!(place instanceof Failure)) return place === undefined ? [] : [{ tenant, place }]
        refuse(tenant.slug, place)
        return []
      })
      await writeTenants(catalog, placed, { holder, now }, refuse)
    })
  }
  if (before.size > 0) {
    const begun = wanted.filter(tenant => before.has(tenant.slug))
    await takeUp(catalog, begun, { holder, now }, refuse)
  }
  const claimed = await tenantRows(catalog)
    .innerJoin('placements as p', 'p.id', 'tenants.placement_id')
    .select(['p.schema_version', 'p.db_user'])
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
    dbUser: row.db_user,
    isNew: !before.has(row.slug),
    isCrowded: crowded.has(row.placement_id),
    wasSpare: false,
  }))
}

/** Which of these names are there. */
async function slugsAmong({ kysely }: Catalog, slugs: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await kysely
    .selectFrom('tenants')
    .leftJoin('placements as p', 'p.id', 'tenants.placement_id')
    .select(['slug', 'state', 'p.id as placement'])
    .where('slug', 'in', slugs)
    .execute()
  // Of a process that was killed before it looked whether its placements were still there.
  const astray = rows.filter(row => row.placement === null && row.state === 'provisioning').map(row => row.slug)
  await forgetUnplaced(kysely, astray)
  return new Set(rows.map(row => row.slug).filter(slug => !astray.includes(slug)))
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

/** Those that nobody is at go on as what is wanted now, and nothing of what they were to be. */
async function takeUp(catalog: Catalog, wanted: readonly NewTenant[], { holder, now }: Claim, refuse: Refuse): Promise<void> {
  const bySlug = new Map<string, NewTenant>(wanted.map(tenant => [tenant.slug, tenant]))
  const left = await tenantRows(catalog)
    .where('tenants.slug', 'in', [...bySlug.keys()])
    .where('tenants.state', '=', 'provisioning')
    .execute()
  const regions = new Map((await readHosts(catalog.kysely)).map(host => [host.name, host.region]))
  for (const row of left) {
    const tenant = bySlug.get(row.slug)
    const free = row.claimed_by === null || (row.claimed_at ?? 0) < now - CLAIM_MS || holderIsGone(row.claimed_by)
    if (!free || tenant === undefined) continue
    const isThere = isWanted(tenant, { name: row.host, region: regions.get(row.host) ?? null })
    if (row.kind !== tenant.placement || !isThere) {
      refuse(tenant.slug, begunElsewhere(row))
      continue
    }
    const query = catalog.kysely
      .updateTable('tenants')
      .set({ ...NO_POLICY, name: tenant.name, claimed_by: holder, claimed_at: now })
      .where('id', '=', row.id)
      .where('state', '=', 'provisioning')
    await (row.claimed_by === null
      ? query.where('claimed_by', 'is', null)
      : query.where('claimed_by', '=', row.claimed_by)
    ).execute()
  }
}

function begunElsewhere({ slug, kind, host }: TenantRow): Failure {
  return new Failure('TENANT_EXISTS', `tenant ${slug} was begun as a ${kind} one on ${host}, and not finished`, {
    hint: `--placement ${kind} --host ${host}, or first: feedctl tenant delete ${slug} --now --yes`,
  })
}

function throwIt(_slug: TenantSlug, failure: Failure): never {
  throw failure
}
