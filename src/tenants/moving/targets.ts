import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { ownerOf } from '../database-owner.js'
import { applyMigrations, insertRows, type PlacementKind, TENANT_MIGRATIONS, type TenantSchema } from '../databases/index.js'
import { dropStrangeDbUser } from '../db-users.js'
import { refuseNewTenant, sharedPlaces } from '../hosts/placing.js'
import { getHost } from '../hosts/rows.js'
import { dedicatedDatabase, parseDatabaseName, sharedDatabase, type TenantId } from '../ids.js'
import { hasOtherTenants } from '../placement-tenants.js'
import type { Placement, Tenant } from '../tenant.js'

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
  if (host === 'default' && name.toLowerCase() === catalog.name.toLowerCase())
    throw new Failure('DATABASE_TAKEN', `the database ${name} is the catalog`, { hint: 'set FEEDCTL_DATABASE_PREFIX' })
  const row = { kind, host_id: hostId, database_name: name as string, schema_version: 0, created_at: Date.now() }
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

/** The placement of that number. @throws {Failure} MOVE_REFUSED when it is gone */
export async function spotOf(catalog: Catalog, id: number): Promise<Spot> {
  const row = await catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['placements.id', 'placements.kind', 'placements.database_name', 'placements.schema_version', 'hosts.name as host'])
    .where('placements.id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new Failure('MOVE_REFUSED', `placement ${id} of a move is not there`, { hint: 'feedctl doctor' })
  return {
    id: row.id,
    kind: row.kind as PlacementKind,
    host: row.host,
    database: parseDatabaseName(row.database_name),
    schemaVersion: row.schema_version,
  }
}

/**
 * Makes the database of the placement for the tenant, and brings it to the schema of this feedctl.
 * @throws {Failure} DATABASE_TAKEN, SCHEMA_NEWER, UNAVAILABLE
 */
export async function prepareSpot(catalog: Catalog, id: TenantId, spot: Spot): Promise<void> {
  await dropStrangeDbUser(catalog, id, spot)
  const server = await catalog.hosts.serverOf(spot.host)
  const made = await server.create(spot.database)
  if (!made && spot.schemaVersion === 0 && !(await isOurs(catalog, spot)))
    throw new Failure('DATABASE_TAKEN', `the database ${spot.database} on ${spot.host} holds something that is not feedctl's`, {
      hint: 'set FEEDCTL_DATABASE_PREFIX',
    })
  const version = await server.use<TenantSchema, number>(spot.database, database =>
    // A shared database may be made by several at once.
    applyMigrations(database, TENANT_MIGRATIONS, catalog.id, Date.now(), { empty: made && spot.kind === 'dedicated' }),
  )
  await catalog.kysely.updateTable('placements').set({ schema_version: version }).where('id', '=', spot.id).execute()
}

/** Whether the database was made by this installation, or holds nothing; false for none. */
export async function isOurs(catalog: Catalog, { host, database }: Placement): Promise<boolean> {
  const owner = await ownerOf(catalog.id, await catalog.hosts.serverOf(host), database)
  return owner === 'ours' || owner === 'nobody'
}
