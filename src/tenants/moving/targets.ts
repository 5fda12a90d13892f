import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { refuseCatalog } from '../database-owner.js'
import { insertRows, type PlacementKind } from '../databases/index.js'
import { dropStrangeDbUser } from '../db-users.js'
import { refuseNewTenant, sharedPlaces } from '../hosts/placing.js'
import { getHost } from '../hosts/rows.js'
import { dedicatedDatabase, parseDatabaseName, sharedDatabase, type TenantId } from '../ids.js'
import { makeReady } from '../make-ready.js'
import { hasOtherTenants } from '../placement-tenants.js'
import { removeStrays } from '../removal/strays.js'
import type { Placement, Tenant } from '../tenant.js'
import { TENANT_SCHEMA_VERSION } from '../upgrade.js'

/** Where to, as an operator says it. Null is as the tenant has it now. */
export interface Wish {
  readonly host: string | null
  readonly kind: PlacementKind | null
}

/** A placement of the catalog. */
export interface Spot extends Placement {
  readonly id: number
  /** 0: its tables were never finished, or are removed. */
  readonly schemaVersion: number
}

/** Of a spot, what others are told. */
export function placementAt({ kind, host, database }: Placement): Placement {
  return { kind, host, database }
}

/** `dedicated`, `shared`, `<host>`, `<host>/dedicated` or `<host>/shared`. @throws {Failure} USAGE */
export function parseWish(text: string): Wish {
  if (isKind(text)) return { host: null, kind: text }
  const [host = '', kind, ...rest] = text.split('/')
  if (host !== '' && kind === undefined) return { host, kind: null }
  if (host !== '' && kind !== undefined && isKind(kind) && rest.length === 0) return { host, kind }
  throw new Failure('USAGE', `--to ${JSON.stringify(text.slice(0, 80))} is no placement`, {
    hint: '--to dedicated, shared, HOST, HOST/dedicated or HOST/shared',
  })
}

function isKind(text: string): text is PlacementKind {
  return text === 'dedicated' || text === 'shared'
}

/** What the wish is for this tenant. */
export function wishedFor({ placement }: Pick<Tenant, 'placement'>, wish: Wish): { host: string; kind: PlacementKind } {
  return { host: wish.host ?? placement.host, kind: wish.kind ?? placement.kind }
}

/** Where the wish leads; its database need not be there. @throws {Failure} HOST_NOT_FOUND; HOST_FULL for a host that is full or draining, unless the tenant is on it */
export async function placeFor(
  catalog: Catalog,
  prefix: string,
  tenant: Pick<Tenant, 'slug' | 'placement'>,
  wish: Wish,
): Promise<Placement & { readonly hostId: number }> {
  const { host, kind } = wishedFor(tenant, wish)
  const { id } = await getHost(catalog.kysely, host)
  if (host !== tenant.placement.host) await refuseNewTenant(catalog, host)
  const [shared = sharedDatabase(prefix, 1)] = kind === 'shared' ? await sharedPlaces(catalog, prefix, id, 1) : []
  return { hostId: id, host, kind, database: kind === 'shared' ? shared : dedicatedDatabase(prefix, tenant.slug) }
}

/** The placement that the wish names, written when it is missing; its database need not be there. To be called `inTurn` with what writes that the tenant comes. @throws {Failure} HOST_NOT_FOUND, HOST_FULL, DATABASE_TAKEN */
export async function spotFor(catalog: Catalog, prefix: string, tenant: Tenant, wish: Wish): Promise<Spot> {
  const { hostId, host, kind, database: name } = await placeFor(catalog, prefix, tenant, wish)
  refuseCatalog(catalog, { host, database: name })
  const row = { kind, host_id: hostId, database_name: name as string, schema_version: 0, created_at: Date.now() }
  // One that was vacated long ago may be forgotten at any moment.
  await catalog.kysely
    .updateTable('placements')
    .set({ vacated_at: null })
    .where('host_id', '=', hostId)
    .where('database_name', '=', name)
    .where('vacated_at', 'is not', null)
    .execute()
  await insertRows(catalog.database, 'placements', [row], 'keep')
  const found = await catalog.kysely
    .selectFrom('placements')
    .select(['id', 'kind', 'schema_version'])
    .where('host_id', '=', hostId)
    .where('database_name', '=', name)
    .executeTakeFirstOrThrow()
  if (found.kind !== kind || (kind === 'dedicated' && (await hasOtherTenants(catalog, found.id, tenant.id))))
    throw new Failure('DATABASE_TAKEN', `the database ${name} on ${host} is not tenant ${tenant.slug}'s`, {
      hint: 'feedctl tenant list',
    })
  return { id: found.id, kind, host, database: name, schemaVersion: found.schema_version }
}

/** The placement of that number. @throws {Failure} MOVE_REFUSED when there is none (any more) */
export async function spotOf(catalog: Catalog, id: number): Promise<Spot> {
  const spot = await findSpot(catalog, id)
  if (spot === null)
    throw new Failure('MOVE_REFUSED', `there is no placement ${id} any more`, { hint: 'feedctl tenant move --list' })
  return spot
}

export async function findSpot(catalog: Catalog, id: number): Promise<Spot | null> {
  const row = await catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.kind', 'placements.database_name', 'placements.schema_version', 'hosts.name as host'])
    .where('placements.id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return null
  return {
    id: row.id,
    kind: row.kind as PlacementKind,
    host: row.host,
    database: parseDatabaseName(row.database_name),
    schemaVersion: row.schema_version,
  }
}

/**
 * Makes the database of the placement for the tenant, and brings it to the schema of this feedctl, where that is what the catalog's settings say. Of a left-over one
 * that is to be its own, rows of tenants that are gone are removed.
 * @throws {Failure} DATABASE_TAKEN, SCHEMA_BEHIND, SCHEMA_NEWER, UNAVAILABLE
 */
export async function prepareSpot(catalog: Catalog, id: TenantId, spot: Spot): Promise<void> {
  await dropStrangeDbUser(catalog, id, spot)
  let made = false
  await makeReady(catalog, spot, {
    begun: now => {
      made = now
    },
  })
  // One that was left over may be full.
  if (spot.kind === 'dedicated' && !made) await removeStrays(catalog, spot)
  await catalog.kysely
    .updateTable('placements')
    .set({ schema_version: TENANT_SCHEMA_VERSION })
    .where('id', '=', spot.id)
    .where('schema_version', '=', 0)
    .execute()
}
