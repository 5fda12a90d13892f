import { Failure } from '../kernel/errors.js'
import { holderIsGone } from '../kernel/holder.js'
import type { Catalog } from './catalog.js'
import { insertRows, type PlacementKind } from './databases/index.js'
import { type Place, placing } from './hosts/placing.js'
import { type DatabaseName, parseDatabaseName, parseSlug, parseTenantId, type TenantId, type TenantSlug } from './ids.js'
import { type TenantRow, tenantRows } from './tenant.js'

/** After this, a creation whose process is not heard of is finished by another. */
const CLAIM_MS = 60_000
const NO_POLICY = { keep_days: null, keep_posts: null, media_types: null, media_max_bytes: null, media_per_post: null }

export interface NewTenant {
  readonly slug: TenantSlug
  readonly name: string
  readonly placement: PlacementKind
  /** Name of the host that was asked for; null, as not given, where it goes by weight and fullness. */
  readonly host?: string | null
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
 * or is being created by someone else; of those that have no host that takes them, or were begun in another place than is wanted, `refuse` is told, which throws
 * when nobody gives another.
 */
export async function claimTenants(
  catalog: Catalog,
  prefix: string,
  wanted: readonly NewTenant[],
  holder: string,
  refuse: (slug: TenantSlug, failure: Failure) => void = throwIt,
): Promise<ClaimedTenant[]> {
  const slugs = wanted.map(tenant => tenant.slug)
  const before = new Set(
    (await catalog.kysely.selectFrom('tenants').select('slug').where('slug', 'in', slugs).execute()).map(row => row.slug),
  )
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
      await writeTenants(catalog, placed, holder, now)
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
async function takeUp(
  catalog: Catalog,
  wanted: readonly NewTenant[],
  { holder, now }: { readonly holder: string; readonly now: number },
  refuse: (slug: TenantSlug, failure: Failure) => void,
): Promise<void> {
  const bySlug = new Map<string, NewTenant>(wanted.map(tenant => [tenant.slug, tenant]))
  const left = await tenantRows(catalog)
    .where('tenants.slug', 'in', [...bySlug.keys()])
    .where('tenants.state', '=', 'provisioning')
    .execute()
  for (const row of left) {
    const tenant = bySlug.get(row.slug)
    const free = row.claimed_by === null || (row.claimed_at ?? 0) < now - CLAIM_MS || holderIsGone(row.claimed_by)
    if (!free || tenant === undefined) continue
    if (row.kind !== tenant.placement || (tenant.host ?? row.host) !== row.host) {
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

interface Placed {
  readonly tenant: NewTenant
  readonly place: Place
}

async function writeTenants(catalog: Catalog, placed: readonly Placed[], holder: string, now: number): Promise<void> {
  if (placed.length === 0) return
  const { numbers, vacated } = await placementsFor(catalog, placed, now)
  const rows = placed.map(({ tenant, place }) => ({
    slug: tenant.slug as string,
    name: tenant.name,
    state: 'provisioning' as const,
    placement_id: numbers.get(keyOf(place)) ?? 0,
    claimed_by: holder,
    claimed_at: now,
    canary: tenant.isCanary === true ? 1 : 0,
    created_at: now,
    updated_at: now,
  }))
  if (vacated.length === 0) {
    await insertRows(catalog.database, 'tenants', rows, 'keep')
    return
  }
  const isHeld = await catalog.kysely.transaction().execute(async tx => {
    const held = await tx.updateTable('placements').set({ vacated_at: null }).where('id', 'in', vacated).executeTakeFirst()
    // Whoever forgets vacated ones waits for this transaction, or was faster.
    if (Number(held.numUpdatedRows) < vacated.length) return false
    const executor: Catalog['kysely'] = tx
    await insertRows(catalog.database, 'tenants', rows, 'keep', executor)
    return true
  })
  if (!isHeld) await writeTenants(catalog, placed, holder, now)
}

interface Chosen {
  readonly numbers: ReadonlyMap<string, number>
  /** Of them, those whose tenant was removed: they are forgotten after a while, unless they are said to be anyone's again. */
  readonly vacated: readonly number[]
}

/** Numbers of the placements of these places; those that are missing are written. */
async function placementsFor(catalog: Catalog, placed: readonly Placed[], now: number): Promise<Chosen> {
  const wanted = new Map(placed.map(({ tenant, place }) => [keyOf(place), { kind: tenant.placement, place }]))
  const rows = [...wanted.values()].map(({ kind, place }) => ({
    kind,
    host_id: place.hostId,
    database_name: place.database as string,
    schema_version: 0,
    created_at: now,
  }))
  await insertRows(catalog.database, 'placements', rows, 'keep')
  const found = await catalog.kysely
    .selectFrom('placements')
    .select(['id', 'kind', 'host_id', 'database_name', 'vacated_at'])
    .where('host_id', 'in', [...new Set(rows.map(row => row.host_id))])
    .where('database_name', 'in', [...new Set(rows.map(row => row.database_name))])
    .execute()
  const numbers = new Map<string, number>()
  const vacated: number[] = []
  for (const row of found) {
    const key = `${row.host_id}/${row.database_name}`
    const kind = wanted.get(key)?.kind
    if (kind === undefined) continue
    if (row.kind !== kind) {
      if (row.kind === 'dropping')
        throw new Failure('LOCKED', `the database ${row.database_name} is being dropped`, {
          hint: 'feedctl doctor --fix, when nobody runs it',
        })
      const hint = 'choose another slug, or set FEEDCTL_DATABASE_PREFIX'
      throw new Failure('DATABASE_TAKEN', `the database ${row.database_name} is a ${row.kind} one`, { hint })
    }
    numbers.set(key, row.id)
    if (row.vacated_at !== null) vacated.push(row.id)
  }
  return { numbers, vacated }
}

function keyOf({ hostId, database }: Place): string {
  return `${hostId}/${database}`
}
