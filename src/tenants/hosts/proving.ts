import { randomBytes } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Config } from '../../kernel/config.js'
import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'
import { makeFolder } from '../../kernel/folders.js'
import type { Catalog } from '../catalog.js'
import { type DatabaseServer, markFolder, markOf } from '../databases/index.js'
import { parseDatabaseName } from '../ids.js'
import { grantStatement, type RightNames, tenantRights } from '../rights.js'
import { DEFAULT_HOST } from './names.js'
import type { HostRow } from './rows.js'

/** For an address that is another host's. */
const HOSTS = '`feedctl host list` shows where each is'

/** What tells two servers apart, wherever they are reached; null on SQLite. @throws {Failure} UNAVAILABLE, CONFIG_INVALID */
async function readIdentity(catalog: Catalog, server: DatabaseServer): Promise<string | null> {
  if (server.dialect === 'sqlite') return null
  return server.use<object, string>(catalog.name, async ({ kysely }) => {
    const { rows } = await sql<{ Variable_name: string; Value: string }>`
      show global variables where variable_name in ('hostname', 'port', 'datadir', 'server_uid', 'server_uuid')`.execute(kysely)
    return JSON.stringify(rows.map(row => [row.Variable_name, row.Value]).sort())
  })
}

/** @throws {Failure} HOST_INVALID naming the host that is the same server; those that do not answer cannot be compared */
export async function refuseSameServer(
  catalog: Catalog,
  host: Pick<HostRow, 'name' | 'address'>,
  server: DatabaseServer,
  others: readonly HostRow[],
): Promise<void> {
  const own = await readIdentity(catalog, server)
  for (const other of others) {
    if (other.name === host.name) continue
    const isSame = other.address === host.address || (own !== null && own === (await identityOf(catalog, other)))
    if (isSame)
      throw new Failure('HOST_INVALID', `${host.address} is the server of the database host ${other.name}`, { hint: HOSTS })
  }
}

/**
 * Makes a database, a table and rows there and removes them again, as feedctl does for tenants.
 * @throws {Failure} HOST_INVALID naming what the host's user may not do; UNAVAILABLE
 */
export async function proveRights(server: DatabaseServer, names: Pick<RightNames, 'prefix'>): Promise<void> {
  const name = parseDatabaseName(`${names.prefix}_probe_${randomBytes(4).toString('hex')}`)
  try {
    await server.create(name)
    await server.use<{ probe: { id: number; word: string | null } }, void>(name, async database => {
      const { kysely } = database
      const table = sql.raw(database.qualify('probe'))
      await sql`create table ${table} (id bigint primary key)`.execute(kysely)
      await sql`alter table ${table} add column word varchar(10)`.execute(kysely)
      // As upgrades do: CREATE INDEX asks for a right of its own.
      await (server.dialect === 'mysql'
        ? sql`alter table ${table} add index probe_word (word)`
        : sql`create index probe_word on ${table} (word)`
      ).execute(kysely)
      await sql`insert into ${table} (id, word) values (1, 'here')`.execute(kysely)
      await sql`update ${table} set word = 'there' where id = 1`.execute(kysely)
      await sql`delete from ${table} where id = 1`.execute(kysely)
      await sql`drop table ${table}`.execute(kysely)
    })
    await server.drop(name)
  } catch (error) {
    await server.drop(name).catch(() => {})
    if (!isFailure(error, 'CONFIG_INVALID') || isLoginRefused(error)) throw error
    const hint = tenantRights(names)
      .map(right => grantStatement(right, 'its user'))
      .join(' ')
    throw new Failure('HOST_INVALID', `the user of the host may not do what feedctl does there: ${error.message}`, {
      cause: error,
      hint,
    })
  }
}

/** A wrong password, not a missing right. */
function isLoginRefused(error: Failure): boolean {
  return /Access denied for user '[^']*'@'[^']*' \(using password/.test(error.message)
}

/** @throws {Failure} UNAVAILABLE when it cannot be made */
export function makeHostFolder(path: string): void {
  inFolder(path, () => makeFolder(path, 0o700))
}

/** The real path of a folder that may become the host's; it is left as it is. @throws {Failure} HOST_INVALID for a missing one, or another's; UNAVAILABLE when it cannot be read */
export function usableFolder(
  catalog: Catalog,
  config: Config,
  { name, address }: { name: string; address: string },
  others: readonly HostRow[],
): string {
  if (!existsSync(address)) throw new Failure('HOST_INVALID', `there is no folder ${address}`, { hint: 'mount its disk first' })
  return inFolder(address, () => {
    const folder = realpathSync(address)
    const taken = others.find(other => other.name !== name && folder === folderOf(config, other))
    if (taken !== undefined)
      throw new Failure('HOST_INVALID', `${folder} is the folder of the database host ${taken.name}`, { hint: HOSTS })
    const mark = markOf(folder)
    if (mark !== null && mark !== markOwner(catalog, name)) throw othersFolder(folder)
    return folder
  })
}

/** Marks the folder as this host's of this installation. @throws {Failure} HOST_INVALID for another's, UNAVAILABLE when it cannot be written */
export function claimFolder(catalog: Catalog, { name, address }: { name: string; address: string }): void {
  if (!inFolder(address, () => markFolder(address, markOwner(catalog, name)))) throw othersFolder(address)
}

/** What is written into the folder of a host. */
export function markOwner(catalog: Pick<Catalog, 'id'>, name: string): string {
  return `${catalog.id} ${name}`
}

function othersFolder(folder: string): Failure {
  return new Failure('HOST_INVALID', `${folder} belongs to another host or another feedctl`, { hint: 'name a folder of its own' })
}

function inFolder<T>(path: string, deed: () => T): T {
  try {
    return deed()
  } catch (error) {
    if (error instanceof Failure) throw error
    const hint = 'name a folder that can be written'
    throw new Failure('UNAVAILABLE', `cannot write in ${path}: ${wordsOf(error)}`, { hint, cause: error })
  }
}

function folderOf(config: Config, { name, address }: HostRow): string | null {
  const path = name === DEFAULT_HOST ? join(config.data, 'databases') : address
  return path !== null && existsSync(path) ? realpathSync(path) : path
}

/** Null for one that does not answer. */
async function identityOf(catalog: Catalog, { name }: HostRow): Promise<string | null> {
  try {
    return await readIdentity(catalog, await catalog.hosts.serverOf(name))
  } catch (error) {
    if (isFailure(error)) return null
    throw error
  }
}
