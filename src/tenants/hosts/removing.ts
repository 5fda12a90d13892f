import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { parseDatabaseName } from '../ids.js'
import { DEFAULT_HOST } from './names.js'
import { getHost, type HostRow } from './rows.js'

/**
 * Removes a drained host that no tenant is on, and no old copy of one: spare and empty databases of feedctl go, whatever else is on the server stays. Killed at any
 * point, the same call ends it. @throws {Failure} HOST_NOT_FOUND, HOST_IN_USE, UNAVAILABLE while databases are left there
 */
export async function removeHost(catalog: Catalog, name: string): Promise<{ name: string; databases: number }> {
  const host = await refuseUsed(catalog, name)
  const left = await catalog.kysely
    .selectFrom('placements')
    .select(['id', 'database_name'])
    .where('host_id', '=', host.id)
    .where('schema_version', '>', 0)
    .execute()
  let databases = 0
  for (const { id, database_name } of left) {
    // Nobody is to take it for ready meanwhile.
    await catalog.kysely.updateTable('placements').set({ schema_version: 0 }).where('id', '=', id).execute()
    if (await (await catalog.hosts.serverOf(name)).drop(parseDatabaseName(database_name))) databases++
    await catalog.kysely.deleteFrom('placements').where('id', '=', id).execute()
  }
  await refuseUsed(catalog, name)
  await catalog.kysely.transaction().execute(async tx => {
    await tx.deleteFrom('placements').where('host_id', '=', host.id).execute()
    await tx.deleteFrom('host_leases').where('host_id', '=', host.id).execute()
    await tx.deleteFrom('hosts').where('id', '=', host.id).where('state', '=', 'draining').execute()
  })
  return { name, databases }
}

/** The host, if it may be removed. @throws {Failure} HOST_NOT_FOUND, HOST_IN_USE */
export async function refuseUsed(catalog: Catalog, name: string): Promise<HostRow> {
  const host = await getHost(catalog.kysely, name)
  const { id, state } = host
  if (name === DEFAULT_HOST) throw new Failure('HOST_IN_USE', 'the catalog is on the host default')
  if (state !== 'draining') {
    throw new Failure('HOST_IN_USE', `${name} takes new tenants`, { hint: `feedctl host drain ${name}` })
  }
  const tenants = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .select(eb => eb.fn.countAll<number>().as('count'))
    .where('placements.host_id', '=', id)
    .executeTakeFirstOrThrow()
  if (Number(tenants.count) > 0) {
    throw new Failure('HOST_IN_USE', `${tenants.count} tenants are on ${name}`, { hint: moveHint(name) })
  }
  const move = await catalog.kysely
    .selectFrom('moves')
    .innerJoin('placements', join =>
      join.on(on =>
        on.or([on('placements.id', '=', on.ref('from_placement_id')), on('placements.id', '=', on.ref('to_placement_id'))]),
      ),
    )
    .select('moves.id')
    .where('placements.host_id', '=', id)
    .where('moves.state', 'in', ['copying', 'switched'])
    .limit(1)
    .executeTakeFirst()
  if (move === undefined) return host
  const hint = 'feedctl tenant move --finish'
  throw new Failure('HOST_IN_USE', `${name} holds old copies of tenants that were moved`, { hint })
}

/** The command that empties a host. */
export function moveHint(name: string): string {
  return `feedctl tenant move --all-on ${name} --to <host>`
}
