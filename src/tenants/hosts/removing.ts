import type { ExpressionBuilder } from 'kysely'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { lookBeforeDrop } from '../database-owner.js'
import { type CatalogSchema, isDamaged, isHostAway, unmarkFolder } from '../databases/index.js'
import { dropDbUser } from '../db-users.js'
import { parseDatabaseName } from '../ids.js'
import { OPEN_STATES } from '../moving/ledger.js'
import type { Placement } from '../tenant.js'
import { DEFAULT_HOST } from './names.js'
import { withPlacingLock } from './placing.js'
import { markOwner } from './proving.js'
import { getHost, type HostRow } from './rows.js'

/**
 * Removes a drained host that no tenant is on, and no old copy of one: spare and empty databases of feedctl go, whatever else is on the server stays. Killed at any
 * point, or after a Failure, the same call ends it: the catalog names a database, as one that is being dropped, until it is gone. `databases`: dropped by this call.
 * @throws {Failure} HOST_NOT_FOUND, HOST_IN_USE, UNAVAILABLE while databases are left there and it does not answer
 */
export async function removeHost(catalog: Catalog, name: string): Promise<{ name: string; databases: number }> {
  const host = await refuseUsed(catalog, name, { isForgotten: false })
  const left = await catalog.kysely
    .selectFrom('placements')
    .select(['id', 'database_name', 'kind', 'vacated_at'])
    .where('host_id', '=', host.id)
    .where(eb => eb.or([eb('schema_version', '>', 0), eb('kind', '=', 'dropping')]))
    .orderBy('id')
    .execute()
  let databases = 0
  for (const { id, database_name, kind, vacated_at } of left) {
    const one = { host: name, database: parseDatabaseName(database_name) }
    const { goes, seen } = await lookAt(catalog, one, kind === 'dropping' && vacated_at !== null)
    if (!(await beginDropping(catalog, id, seen))) continue
    try {
      await dropDbUser(catalog, { kind: 'dedicated', ...one })
      // Whoever was held up may come after another has removed the host, and it was added anew.
      if (goes && (await isDropping(catalog, id)) && (await (await catalog.hosts.serverOf(name)).drop(one.database))) databases++
    } catch (error) {
      throw isHostAway(error) ? away(name, error) : error
    }
    await catalog.kysely.deleteFrom('placements').where('id', '=', id).where('kind', '=', 'dropping').execute()
  }
  await withPlacingLock(catalog, () => forget(catalog, host, { isForgotten: false }))
  if (catalog.server.dialect === 'sqlite' && host.address !== null) {
    unmarkFolder(host.address, markOwner(catalog, name))
  }
  return { name, databases }
}

function away(name: string, error: Failure): Failure {
  const gone = `where it is gone for good: feedctl host remove ${name} --forget --yes`
  return new Failure('UNAVAILABLE', error.message, { hint: `${error.hint ?? 'feedctl host list'}; ${gone}`, cause: error })
}

/**
 * The same for one whose machine or disk is gone for good: nothing of it is asked, and whatever is there stays. `databases`: that the catalog knew there.
 * @throws {Failure} HOST_NOT_FOUND, HOST_IN_USE
 */
export async function forgetHost(catalog: Catalog, name: string): Promise<{ name: string; databases: number }> {
  const host = await refuseUsed(catalog, name, { isForgotten: true })
  return withPlacingLock(catalog, async () => {
    const { databases } = await catalog.kysely
      .selectFrom('placements')
      .select(eb => eb.fn.countAll<number>().as('databases'))
      .where('host_id', '=', host.id)
      .where(eb => eb.or([eb('schema_version', '>', 0), eb('kind', 'in', ['spare', 'dropping'])]))
      .executeTakeFirstOrThrow()
    await forget(catalog, host, { isForgotten: true })
    return { name, databases: Number(databases) }
  })
}

/** The look before a drop; one that is damaged goes. */
async function lookAt(catalog: Catalog, at: Pick<Placement, 'host' | 'database'>, wasSeen: boolean) {
  try {
    return await lookBeforeDrop(catalog, at, wasSeen)
  } catch (error) {
    if (isDamaged(error)) return { goes: true, seen: false }
    throw isHostAway(error) ? away(at.host, error) : error
  }
}

/** From here on nobody takes it for ready, or makes a tenant there, and the host stays drained. False where a tenant has come meanwhile, or the host was opened. */
function beginDropping(catalog: Catalog, id: number, seen: boolean): Promise<boolean> {
  return withPlacingLock(catalog, async () => {
    const begun = await catalog.kysely
      .updateTable('placements')
      .set({ kind: 'dropping', schema_version: 0, vacated_at: seen ? Date.now() : null })
      .where('id', '=', id)
      .where(isNobodys)
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('hosts')
            .select('hosts.id')
            .whereRef('hosts.id', '=', 'placements.host_id')
            .where('hosts.state', '=', 'draining'),
        ),
      )
      .executeTakeFirst()
    return begun.numUpdatedRows > 0n
  })
}

async function isDropping({ kysely }: Catalog, id: number): Promise<boolean> {
  const row = await kysely.selectFrom('placements').select('kind').where('id', '=', id).executeTakeFirst()
  return row?.kind === 'dropping'
}

interface Forgetting {
  /** What feedctl left there is not dropped. */
  readonly isForgotten: boolean
}

/** All or nothing. @throws {Failure} HOST_IN_USE when a tenant or a move has come meanwhile */
async function forget(catalog: Catalog, { id, name }: HostRow, { isForgotten }: Forgetting): Promise<void> {
  await refuseUsed(catalog, name, { isForgotten })
  await catalog.kysely.transaction().execute(async tx => {
    await tx
      .deleteFrom('placements')
      .where('host_id', '=', id)
      .$if(!isForgotten, query => query.where('schema_version', '=', 0).where('kind', '<>', 'dropping'))
      .where(isNobodys)
      .execute()
    const gone = await tx
      .deleteFrom('hosts')
      .where('id', '=', id)
      .where('state', '=', 'draining')
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('placements').select('placements.id').where('host_id', '=', id))),
      )
      .executeTakeFirst()
    if (gone.numDeletedRows === 0n) throw new Failure('HOST_IN_USE', `${name} was taken into use`, { hint: moveHint(name) })
    await tx.deleteFrom('host_leases').where('host_id', '=', id).execute()
  })
}

/** A placement that no tenant is in, and no move goes to or from. */
function isNobodys({ and, not, exists, selectFrom }: ExpressionBuilder<CatalogSchema, 'placements'>) {
  const tenants = selectFrom('tenants').select('tenants.id').whereRef('tenants.placement_id', '=', 'placements.id')
  const moves = selectFrom('moves')
    .select('moves.id')
    .where('moves.state', 'in', OPEN_STATES)
    .where(move =>
      move.or([
        move('moves.from_placement_id', '=', move.ref('placements.id')),
        move('moves.to_placement_id', '=', move.ref('placements.id')),
      ]),
    )
  return and([not(exists(tenants)), not(exists(moves))])
}

/** The host, if it may be removed. @throws {Failure} HOST_NOT_FOUND, HOST_IN_USE */
export async function refuseUsed(catalog: Catalog, name: string, { isForgotten }: Forgetting): Promise<HostRow> {
  const host = await getHost(catalog.kysely, name)
  const { id, state } = host
  if (name === DEFAULT_HOST)
    throw new Failure('HOST_IN_USE', 'the catalog is on the host default', {
      hint: 'feedctl host drain default keeps new tenants away from it',
    })
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
  if (!isForgotten) await refuseUnfinishedSpares(catalog, host)
  const move = await catalog.kysely
    .selectFrom('moves')
    .innerJoin('placements', join =>
      join.on(on =>
        on.or([on('placements.id', '=', on.ref('from_placement_id')), on('placements.id', '=', on.ref('to_placement_id'))]),
      ),
    )
    .select('moves.id')
    .where('placements.host_id', '=', id)
    .where('moves.state', 'in', OPEN_STATES)
    .limit(1)
    .executeTakeFirst()
  if (move === undefined) return host
  const hint = `feedctl tenant move --finish --from ${name} --yes; --list shows those under way`
  throw new Failure('HOST_IN_USE', `moves of tenants from or to ${name} are under way, or their old copies are kept`, { hint })
}

/** Of a filling that is under way, or was killed: their databases are there, and the catalog knows no tables in them. */
async function refuseUnfinishedSpares({ kysely }: Catalog, { id, name }: HostRow): Promise<void> {
  const { spares } = await kysely
    .selectFrom('placements')
    .select(eb => eb.fn.countAll<number>().as('spares'))
    .where('host_id', '=', id)
    .where('kind', '=', 'spare')
    .where('schema_version', '=', 0)
    .executeTakeFirstOrThrow()
  if (Number(spares) === 0) return
  const hint = 'feedctl tenant spare --fill <n> finishes them, feedctl tenant spare --drop --yes drops all'
  throw new Failure('HOST_IN_USE', `${spares} spare databases on ${name} are not made to the end`, { hint })
}

/** The command that empties a host. */
export function moveHint(name: string): string {
  return `feedctl tenant move --all-on ${name} --to <host>`
}
