import { isFailure } from '../kernel/errors.js'
import { type DatabaseServer, ledgerOf, type TenantSchema } from './databases/index.js'
import type { DatabaseName } from './ids.js'

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
