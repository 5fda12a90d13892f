import { Failure, isFailure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { type DatabaseServer, isDamaged, ledgerOf, type TenantSchema } from './databases/index.js'
import { DEFAULT_HOST } from './hosts/names.js'
import type { DatabaseName } from './ids.js'
import type { Placement } from './tenant.js'

/** `nobody`: it holds nothing, or what one who was killed at the beginning made. `others`: another installation's, or something that is not feedctl's. */
export type DatabaseOwner = 'ours' | 'nobody' | 'others' | 'missing'

/** Whose the database is, by the ledger within it. @throws {Failure} UNAVAILABLE */
export async function ownerOf(catalogId: string, server: DatabaseServer, name: DatabaseName): Promise<DatabaseOwner> {
  if (!(await server.has(name))) return 'missing'
  try {
    if (await server.isEmpty(name)) return 'nobody'
    const [first] = await server.use<TenantSchema, Awaited<ReturnType<typeof ledgerOf>>>(name, ledgerOf)
    if (first === undefined) return 'nobody'
    return first.catalog_id === catalogId ? 'ours' : 'others'
  } catch (error) {
    if (isFailure(error, 'SCHEMA_MISSING')) return 'others'
    throw error
  }
}

type Named = Pick<Placement, 'host' | 'database'>

/** The same of a host of this installation; its catalog is no database for tenants, so that it counts as `others`. @throws {Failure} UNAVAILABLE */
export async function ownerAt(catalog: Catalog, at: Named): Promise<DatabaseOwner> {
  return isCatalog(catalog, at) ? 'others' : ownerOf(catalog.id, await catalog.hosts.serverOf(at.host), at.database)
}

/**
 * Whether the ledger within says that it is another installation's. False where there is none, as in one that was dropped by half: for who knows that it was this
 * installation's. @throws {Failure} UNAVAILABLE
 */
export async function isAnothers(catalog: Catalog, at: Named): Promise<boolean> {
  const server = await catalog.hosts.serverOf(at.host)
  try {
    const [first] = await server.use<TenantSchema, Awaited<ReturnType<typeof ledgerOf>>>(at.database, ledgerOf)
    return first !== undefined && first.catalog_id !== catalog.id
  } catch (error) {
    if (isFailure(error, 'SCHEMA_MISSING')) return false
    throw error
  }
}

/** The same, and false for one that is damaged: whoever drops what was this installation's drops that as well. @throws {Failure} UNAVAILABLE */
export async function isSeenAsAnothers(catalog: Catalog, at: Named): Promise<boolean> {
  try {
    return await isAnothers(catalog, at)
  } catch (error) {
    if (isDamaged(error)) return false
    throw error
  }
}

/**
 * Whether a database that the catalog has for one to be dropped `goes`, and was `seen` to be this installation's, now or before: then it may have been dropped
 * by half. One that is not there, or holds nothing, is nobody's: what comes under its name later may be somebody's. @throws {Failure} UNAVAILABLE
 */
export async function lookBeforeDrop(catalog: Catalog, at: Named, wasSeen: boolean): Promise<{ goes: boolean; seen: boolean }> {
  if (wasSeen) return { goes: !(await isSeenAsAnothers(catalog, at)), seen: true }
  const owner = await ownerAt(catalog, at)
  return { goes: owner !== 'others', seen: owner === 'ours' }
}

/** The catalog's ledger is its own, so that nothing else would keep a tenant out of it. @throws {Failure} DATABASE_TAKEN */
export function refuseCatalog(catalog: Catalog, at: Named): void {
  if (!isCatalog(catalog, at)) return
  throw new Failure('DATABASE_TAKEN', `the database ${at.database} is the catalog`, {
    hint: 'choose another slug, or set FEEDCTL_DATABASE_PREFIX',
  })
}

/** Names may differ in nothing but case on a server. */
function isCatalog(catalog: Catalog, { host, database }: Named): boolean {
  return host === DEFAULT_HOST && database.toLowerCase() === catalog.name.toLowerCase()
}
