import { isFailure } from '../../kernel/errors.js'
import { DUMPED } from '../admission.js'
import type { Catalog } from '../catalog.js'
import { isHostAway, type TenantSchema, type TenantState } from '../databases/index.js'
import { fenceOf } from '../fence.js'
import { type DatabaseName, parseDatabaseName, parseTenantId, type TenantId, type TenantSlug } from '../ids.js'
import { admit, residentsIn } from '../residents.js'
import { findTenant, type Tenant } from '../tenant.js'
import { RESIDENTS_VERSION } from '../upgrade.js'
import { clearFence } from './fences.js'
import { openMoves } from './ledger.js'
import { withMoveLock } from './lock.js'

const TENANTS_PER_PAGE = 1_000
const WRITTEN: readonly TenantState[] = ['active', 'suspended']

/** A tenant whose writers are refused where it lives, by its database, though no move holds them off. */
export interface ShutOut {
  readonly id: TenantId
  readonly slug: TenantSlug
  /** A move of it is under way: until that has ended it is not let in. */
  readonly hasMoves: boolean
}

export interface ShutOuts {
  readonly found: readonly ShutOut[]
  /** There was no time to look at everything. */
  readonly more: boolean
  /** Hosts, or databases on them, that could not be looked at. */
  readonly away: readonly string[]
}

/** As many as are found until the time is over: asked of each database that tenants live in, one after the other. @throws {Failure} UNAVAILABLE without the catalog */
export async function shutOut(catalog: Catalog, budgetMs: number): Promise<ShutOuts> {
  const end = Date.now() + budgetMs
  const found: ShutOut[] = []
  const away = new Set<string>()
  for (let after = 0; ; ) {
    const page = await tenantsAfter(catalog, after)
    for (const group of byPlacement(page)) {
      if (Date.now() > end) return { found, more: true, away: [...away] }
      try {
        if (away.has(group.host)) continue
        for (const id of await notLetIn(catalog, group)) {
          if (Date.now() > end) return { found, more: true, away: [...away] }
          const judged = await judge(catalog, id)
          if (judged !== null) found.push(judged.finding)
        }
      } catch (error) {
        if (!isFailure(error)) throw error
        away.add(isHostAway(error) ? group.host : `${group.host}/${group.database}`)
      }
    }
    const last = page.at(-1)
    if (last === undefined || page.length < TENANTS_PER_PAGE) return { found, more: false, away: [...away] }
    after = last.id
  }
}

/** Lets the tenant's writers in where it lives by the catalog. False where they are in, or a move of it is open. @throws {Failure} LOCKED while it is moved */
export function letBackIn(catalog: Catalog, { id, slug }: Pick<ShutOut, 'id' | 'slug'>, signal: AbortSignal): Promise<boolean> {
  return withMoveLock(catalog, slug, signal, async either => {
    const judged = await judge(catalog, id)
    if (judged === null || judged.finding.hasMoves) return false
    const { tenant } = judged
    either.throwIfAborted()
    await clearFence(catalog, tenant)
    const server = await catalog.hosts.serverOf(tenant.placement.host)
    await server.use<TenantSchema, void>(tenant.placement.database, database => admit(database, [id]))
    return true
  })
}

/** Null for one that is written, or held off for a reason. For who has the lock of its moves it stays true. */
async function judge(catalog: Catalog, id: TenantId): Promise<{ finding: ShutOut; tenant: Tenant } | null> {
  const tenant = await findTenant(catalog, id)
  if (tenant === null || !WRITTEN.includes(tenant.state) || tenant.schemaVersion < RESIDENTS_VERSION) return null
  const by = await fenceOf(catalog, tenant)
  if (by === null || by === DUMPED) return null
  // After the switch writers are let in where it lives, before.
  const hasMoves = (await openMoves(catalog, id)).some(({ state }) => state !== 'switched')
  if (hasMoves && by !== undefined) return null
  // It may have been moved away before its database was asked.
  if ((await findTenant(catalog, id))?.placementId !== tenant.placementId) return null
  return { finding: { id, slug: tenant.slug, hasMoves }, tenant }
}

interface Living {
  readonly id: number
  readonly placement_id: number
  readonly host: string
  readonly database_name: string
}

function tenantsAfter({ kysely }: Catalog, after: number): Promise<Living[]> {
  return kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['tenants.id', 'tenants.placement_id', 'hosts.name as host', 'placements.database_name'])
    .where('tenants.id', '>', after)
    .where('tenants.state', 'in', WRITTEN)
    .where('placements.schema_version', '>=', RESIDENTS_VERSION)
    .orderBy('tenants.id')
    .limit(TENANTS_PER_PAGE)
    .execute()
}

interface Group {
  readonly host: string
  readonly database: DatabaseName
  /** In order. */
  readonly ids: number[]
}

function byPlacement(page: readonly Living[]): Iterable<Group> {
  const groups = new Map<number, Group>()
  for (const { id, placement_id, host, database_name } of page) {
    const group = groups.get(placement_id) ?? { host, database: parseDatabaseName(database_name), ids: [] }
    group.ids.push(id)
    groups.set(placement_id, group)
  }
  return groups.values()
}

/** Of the group, those whom their database does not let write. */
async function notLetIn(catalog: Catalog, { host, database, ids }: Group): Promise<TenantId[]> {
  const [first = 0, last = 0] = [ids[0], ids.at(-1)]
  const server = await catalog.hosts.serverOf(host)
  return server.use<TenantSchema, TenantId[]>(database, async opened => {
    const written = new Set<number>()
    for (let after = first - 1; after < last; ) {
      const page = await residentsIn(opened, after)
      for (const { id, by } of page) if (by === null) written.add(id)
      after = page.at(-1)?.id ?? last
    }
    return ids.filter(id => !written.has(id)).map(parseTenantId)
  })
}
