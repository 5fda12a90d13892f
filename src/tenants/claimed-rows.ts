import { sql } from 'kysely'
import { Failure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { insertRows, type PlacementKind } from './databases/index.js'
import type { Place } from './hosts/placing.js'
import type { TenantSlug } from './ids.js'

/** Looks for a placement that others remove meanwhile. */
const LOOKS = 5

/** A new tenant, and where it goes. */
interface Placed {
  readonly tenant: {
    readonly slug: TenantSlug
    readonly name: string
    readonly placement: PlacementKind
    readonly isCanary?: boolean
  }
  readonly place: Place
}

/** Who claims, and when. */
export interface Claim {
  readonly holder: string
  readonly now: number
}

/** Hears of a tenant that is refused. */
export type Refuse = (slug: TenantSlug, failure: Failure) => void

/**
 * Writes the tenants, those of names that are there aside, each with a placement that is there: `refuse` hears of one whose database is another's (DATABASE_TAKEN),
 * or is being dropped, or whose host was removed meanwhile (LOCKED).
 */
export async function writeTenants(
  catalog: Catalog,
  placed: readonly Placed[],
  claim: Claim,
  refuse: Refuse,
  looks = LOOKS,
): Promise<void> {
  if (placed.length === 0) return
  const found = await placementsFor(catalog, placed, claim.now)
  const rows: ReturnType<typeof rowOf>[] = []
  const vacated = new Set<number>()
  const vanished: Placed[] = []
  const held: Placed[] = []
  for (const one of placed) {
    const placement = found.get(keyOf(one.place))
    if (placement instanceof Failure) refuse(one.tenant.slug, placement)
    else if (placement === undefined) vanished.push(one)
    else {
      held.push(one)
      rows.push(rowOf(one, placement.id, claim))
      if (placement.isVacated) vacated.add(placement.id)
    }
  }
  if (!(await insertHeld(catalog, rows, [...vacated]))) vanished.push(...held)
  else await refuseUnplaced(catalog, rows, claim, refuse)
  if (looks > 1) return writeTenants(catalog, vanished, claim, refuse, looks - 1)
  for (const { tenant } of vanished) refuse(tenant.slug, unplaced(tenant.slug))
}

function rowOf({ tenant }: Placed, placementId: number, { holder, now }: Claim) {
  return {
    slug: tenant.slug as string,
    name: tenant.name,
    state: 'provisioning' as const,
    placement_id: placementId,
    claimed_by: holder,
    claimed_at: now,
    canary: tenant.isCanary === true ? 1 : 0,
    created_at: now,
    updated_at: now,
  }
}

/** `vacated`: placements that whoever forgets them is to leave. False, and nothing is written, where some are forgotten already. */
async function insertHeld(
  catalog: Catalog,
  rows: readonly ReturnType<typeof rowOf>[],
  vacated: readonly number[],
): Promise<boolean> {
  if (vacated.length === 0) {
    await insertRows(catalog.database, 'tenants', rows, 'keep')
    return true
  }
  return catalog.kysely.transaction().execute(async tx => {
    const held = await tx.updateTable('placements').set({ vacated_at: null }).where('id', 'in', vacated).executeTakeFirst()
    // Whoever forgets vacated ones waits for this transaction, or was faster.
    if (Number(held.numUpdatedRows) < vacated.length) return false
    const executor: Catalog['kysely'] = tx
    await insertRows(catalog.database, 'tenants', rows, 'keep', executor)
    return true
  })
}

/** Those whose host was removed between the look at their placement and their insert: no command would see them. */
async function refuseUnplaced(
  { kysely, database }: Catalog,
  rows: readonly ReturnType<typeof rowOf>[],
  { holder }: Claim,
  refuse: Refuse,
): Promise<void> {
  if (rows.length === 0) return
  const there = await kysely
    .selectFrom('placements')
    .select('id')
    .where('id', 'in', [...new Set(rows.map(row => row.placement_id))])
    // Waits for one who is about to remove it.
    .$if(database.dialect === 'mysql', query => query.modifyEnd(sql`lock in share mode`))
    .execute()
  const ids = new Set(there.map(row => row.id))
  const lost = rows.filter(row => !ids.has(row.placement_id)).map(row => row.slug)
  if (lost.length === 0) return
  const own = await kysely
    .selectFrom('tenants')
    .select('slug')
    .where('slug', 'in', lost)
    .where('claimed_by', '=', holder)
    .execute()
  await forgetUnplaced(kysely, lost)
  for (const { slug } of own) refuse(slug as TenantSlug, unplaced(slug))
}

/** Tenants of these names that were never finished, and whose placement is gone. */
export async function forgetUnplaced(kysely: Catalog['kysely'], slugs: readonly string[]): Promise<void> {
  if (slugs.length === 0) return
  await kysely
    .deleteFrom('tenants')
    .where('slug', 'in', slugs)
    .where('state', '=', 'provisioning')
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('placements').select('placements.id').whereRef('placements.id', '=', 'tenants.placement_id'))),
    )
    .execute()
}

function unplaced(slug: string): Failure {
  return new Failure('LOCKED', `the place of tenant ${slug} was removed meanwhile`, { hint: 'the same command again' })
}

interface Found {
  readonly id: number
  /** Its tenant was removed: it is forgotten after a while, unless it is said to be anyone's again. */
  readonly isVacated: boolean
}

/** Placements of these places, or why one is none for a tenant; those that are missing are written. One that others remove meanwhile is not among them. */
async function placementsFor(
  catalog: Catalog,
  placed: readonly Placed[],
  now: number,
): Promise<ReadonlyMap<string, Found | Failure>> {
  const wanted = new Map(placed.map(({ tenant, place }) => [keyOf(place), { kind: tenant.placement, place }]))
  const rows = [...wanted.values()].map(({ kind, place }) => ({
    kind,
    host_id: place.hostId,
    database_name: place.database as string,
    schema_version: 0,
    created_at: now,
  }))
  await insertRows(catalog.database, 'placements', rows, 'keep')
  const there = await catalog.kysely
    .selectFrom('placements')
    .select(['id', 'kind', 'host_id', 'database_name', 'vacated_at'])
    .where('host_id', 'in', [...new Set(rows.map(row => row.host_id))])
    .where('database_name', 'in', [...new Set(rows.map(row => row.database_name))])
    .execute()
  const found = new Map<string, Found | Failure>()
  for (const { id, kind, host_id, database_name, vacated_at } of there) {
    const key = `${host_id}/${database_name}`
    const place = wanted.get(key)
    if (place === undefined) continue
    found.set(key, place.kind === kind ? { id, isVacated: vacated_at !== null } : notFor(database_name, kind))
  }
  return found
}

function notFor(database: string, kind: string): Failure {
  if (kind === 'dropping') {
    const hint = 'feedctl doctor --fix, when nobody runs it'
    return new Failure('LOCKED', `the database ${database} is being dropped`, { hint })
  }
  const hint = 'choose another slug, or set FEEDCTL_DATABASE_PREFIX'
  return new Failure('DATABASE_TAKEN', `the database ${database} is a ${kind} one`, { hint })
}

function keyOf({ hostId, database }: Place): string {
  return `${hostId}/${database}`
}
