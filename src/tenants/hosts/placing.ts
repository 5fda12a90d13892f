import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { PlacementKind } from '../databases/index.js'
import { type DatabaseName, dedicatedDatabase, sharedDatabase, type TenantSlug } from '../ids.js'
import { whenUnlocked } from '../locks.js'
import { type HostRow, noHost, readHosts } from './rows.js'
import { type HostFill, type HostWanted, spreadTenants } from './spreading.js'

const LOCK = 'placing tenants'
/** Longer than many processes that write a thousand tenants each, one after the other. */
const PATIENCE_MS = 120_000

/** A new tenant that has no place yet. */
export interface Unplaced extends HostWanted {
  readonly slug: TenantSlug
  readonly placement: PlacementKind
}

/** Where a new tenant goes. */
export interface Place {
  readonly hostId: number
  readonly host: string
  readonly database: DatabaseName
}

/**
 * Hands the deed a place for each new tenant, in their order, or the refusal (HOST_NOT_FOUND, HOST_FULL) of one for which there is none. The deed writes
 * them to the catalog, and nothing else: where a host has a bound of tenants or is drained, nobody else places any until it ends, so that the bound is never passed.
 */
export async function placing<T>(
  catalog: Catalog,
  prefix: string,
  tenants: readonly Unplaced[],
  deed: (places: readonly (Place | Failure)[]) => Promise<T>,
): Promise<T> {
  return inTurn(catalog, async hosts => deed(await placesFor(catalog, prefix, hosts, tenants)))
}

/** While nobody places or moves a tenant who has seen a host that has a bound, or is drained. @throws {Failure} LOCKED; the signal's reason */
export function withPlacingLock<T>(
  catalog: Catalog,
  deed: () => Promise<T>,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> {
  return whenUnlocked(catalog, LOCK, { withinMs: PATIENCE_MS, signal }, deed)
}

/**
 * Runs a deed that sees whether there is room and writes who takes it, and nothing else: where a host has a bound of tenants, or drains, no two of them run at once.
 * @throws {Failure} LOCKED when others take too long; the signal's reason
 */
export async function inTurn<T>(
  catalog: Catalog,
  deed: (hosts: readonly HostRow[]) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const hosts = await readHosts(catalog.kysely)
  if (hosts.every(host => host.maxTenants === null && host.state === 'open')) return deed(hosts)
  return withPlacingLock(catalog, async () => deed(await readHosts(catalog.kysely)), signal)
}

/**
 * For a tenant that comes from elsewhere: refuses a host that takes no more; one that drains takes those who come back. Only `inTurn` with the deed that
 * writes that it comes is the bound never passed. @throws {Failure} HOST_NOT_FOUND, HOST_FULL
 */
export async function refuseNewTenant(catalog: Catalog, host: string, { isBack = false } = {}): Promise<void> {
  const fills = await fillsOf(catalog, await readHosts(catalog.kysely))
  const [place] = spreadTenants(isBack ? fills.map(fill => ({ ...fill, state: 'open' as const })) : fills, [{ host }])
  if (place instanceof Failure) throw place
}

/**
 * The host of the next spare database: as for a tenant, whereby spares count as tenants; of those that tenants go to by themselves, and that have no bound, for on others no spare is taken.
 * Null when all of them are among the `failing`, by name. @throws {Failure} HOST_FULL when there is none
 */
export async function hostForSpare(catalog: Catalog, failing: ReadonlySet<string>): Promise<Pick<HostRow, 'id' | 'name'> | null> {
  const hosts = (await readHosts(catalog.kysely)).filter(({ maxTenants }) => maxTenants === null)
  const [fills, spares] = [await fillsOf(catalog, hosts), await sparesByHost(catalog)]
  // Whatever its region: there are sign-ups in each.
  const counted = fills.map(fill => ({ ...fill, region: null, tenants: fill.tenants + (spares.get(fill.id) ?? 0) }))
  const choose = (among: readonly HostFill[]) => {
    const [host] = spreadTenants(among, [{}])
    return host === undefined || host instanceof Failure ? null : host
  }
  const host = choose(counted.filter(({ name }) => !failing.has(name)))
  if (host !== null || choose(counted) !== null) return host
  throw new Failure('HOST_FULL', 'no database host takes spare databases: it is open, has a weight, and no bound of tenants', {
    hint: 'feedctl host list',
  })
}

async function sparesByHost({ kysely }: Catalog): Promise<ReadonlyMap<number, number>> {
  const rows = await kysely
    .selectFrom('placements')
    .select(eb => ['host_id', eb.fn.countAll<number>().as('spares')])
    .where('kind', '=', 'spare')
    .groupBy('host_id')
    .execute()
  return new Map(rows.map(row => [row.host_id, Number(row.spares)]))
}

/** The shared databases that so many new tenants of the host go to, one after the other. */
export async function sharedPlaces(catalog: Catalog, prefix: string, hostId: number, count: number): Promise<DatabaseName[]> {
  const { tenantsPerShared } = catalog.hosts
  let { number, tenants } = await newestShared(catalog, prefix, hostId)
  return Array.from({ length: count }, () => {
    if (tenants >= tenantsPerShared) {
      number++
      tenants = 0
    }
    tenants++
    return sharedDatabase(prefix, number)
  })
}

async function placesFor(
  catalog: Catalog,
  prefix: string,
  hosts: readonly HostRow[],
  tenants: readonly Unplaced[],
): Promise<(Place | Failure)[]> {
  const fills = needsNoCount(hosts, tenants) ? hosts.map(host => ({ ...host, tenants: 0 })) : await fillsOf(catalog, hosts)
  const chosen = spreadTenants(fills, tenants)
  const shared = new Map<number, DatabaseName[]>()
  for (const id of new Set(chosen.flatMap(host => (host instanceof Failure ? [] : [host.id])))) {
    const count = tenants.filter(({ placement }, index) => placement === 'shared' && isHost(chosen[index], id)).length
    if (count > 0) shared.set(id, await sharedPlaces(catalog, prefix, id, count))
  }
  return tenants.map(({ slug, placement }, index) => {
    const host = chosen[index]
    if (host === undefined || host instanceof Failure) return host ?? noHost('')
    const own = placement === 'dedicated' ? dedicatedDatabase(prefix, slug) : shared.get(host.id)?.shift()
    return { hostId: host.id, host: host.name, database: own ?? sharedDatabase(prefix, 1) }
  })
}

/** With one host that takes as many as come there is nothing to choose. */
function needsNoCount(hosts: readonly HostRow[], tenants: readonly Unplaced[]): boolean {
  const open = hosts.filter(host => host.state === 'open')
  if (open.some(host => host.maxTenants !== null)) return false
  return open.filter(host => host.weight > 0).length <= 1 || tenants.every(({ host }) => (host ?? null) !== null)
}

/** Of whatever state: one that is being made, will be removed, or is on its way there, has its place as well. */
async function fillsOf(catalog: Catalog, hosts: readonly HostRow[]): Promise<HostFill[]> {
  // In this order one that arrives in between counts twice rather than not at all.
  const coming = await comingByHost(catalog)
  const counts = await tenantsByHost(catalog)
  return hosts.map(host => ({ ...host, tenants: (counts.get(host.id) ?? 0) + (coming.get(host.id) ?? 0) }))
}

/** How many tenants of other hosts have a move to each that was begun. */
async function comingByHost({ kysely }: Catalog): Promise<ReadonlyMap<number, number>> {
  const rows = await kysely
    .selectFrom('moves')
    .innerJoin('placements as to', 'to.id', 'moves.to_placement_id')
    .innerJoin('tenants', 'tenants.id', 'moves.tenant_id')
    .innerJoin('placements as at', 'at.id', 'tenants.placement_id')
    .select(eb => ['to.host_id', eb.fn.countAll<number>().as('tenants')])
    .where('moves.state', '=', 'copying')
    .whereRef('at.host_id', '<>', 'to.host_id')
    .groupBy('to.host_id')
    .execute()
  return new Map(rows.map(row => [row.host_id, Number(row.tenants)]))
}

/** How many tenants each host has, by its number; one without any is missing. */
export async function tenantsByHost({ kysely }: Catalog): Promise<ReadonlyMap<number, number>> {
  const rows = await kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .select(eb => ['placements.host_id', eb.fn.countAll<number>().as('tenants')])
    .groupBy('placements.host_id')
    .execute()
  return new Map(rows.map(row => [row.host_id, Number(row.tenants)]))
}

/** Only the newest is filled: what becomes free in the others stays free, so that one count is enough. */
async function newestShared(catalog: Catalog, prefix: string, hostId: number): Promise<{ number: number; tenants: number }> {
  const rows = await catalog.kysely
    .selectFrom('placements')
    .select(['id', 'database_name'])
    .where('kind', '=', 'shared')
    .where('host_id', '=', hostId)
    .execute()
  const start = sharedDatabase(prefix, 0).slice(0, -1)
  const numbered = rows
    .filter(row => row.database_name.startsWith(start) && /^\d+$/.test(row.database_name.slice(start.length)))
    .map(row => ({ id: row.id, number: Number(row.database_name.slice(start.length)) }))
  const newest = numbered.sort((a, b) => b.number - a.number)[0]
  if (newest === undefined) return { number: 1, tenants: 0 }
  const counted = await catalog.kysely
    .selectFrom('tenants')
    .select(eb => eb.fn.countAll<number>().as('tenants'))
    .where('placement_id', '=', newest.id)
    .executeTakeFirstOrThrow()
  return { number: newest.number, tenants: Number(counted.tenants) }
}

function isHost(chosen: HostFill | Failure | undefined, id: number): boolean {
  return chosen !== undefined && !(chosen instanceof Failure) && chosen.id === id
}
