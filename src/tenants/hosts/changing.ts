import type { Config } from '../../kernel/config.js'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import { ownerOf } from '../database-owner.js'
import { type DatabaseServer, type HostState, insertRows, maxConnections, openFolder, unmarkFolder } from '../databases/index.js'
import { parseDatabaseName } from '../ids.js'
import { DEFAULT_HOST, parseFolderAddress, parseHostName, parseRegion, parseServerAddress } from './names.js'
import { openHost } from './opening.js'
import { tenantsByHost, withPlacingLock } from './placing.js'
import { claimFolder, makeHostFolder, markOwner, proveRights, refuseSameServer, usableFolder } from './proving.js'
import { getHost, type HostRow, readHosts } from './rows.js'

/** What an operator says of a host; what is not named stays as it is, or has its default. */
export interface HostWish {
  readonly address?: string
  readonly username?: string
  readonly weight?: number
  readonly maxTenants?: number | null
  readonly maxConnections?: number | null
  readonly readAddress?: string | null
  readonly region?: string | null
}

/** The newest, which an older copy of the host has not. */
const PROVED_PLACEMENTS = 20

type Found = Pick<HostRow, 'name' | 'address' | 'username'>

/**
 * Adds a host that answers, is no other host's server, and lets feedctl do its work there.
 * @throws {Failure} HOST_EXISTS, HOST_INVALID, CONFIG_INVALID (a wrong or missing password), UNAVAILABLE; nothing is written then
 */
export async function addHost(
  catalog: Catalog,
  config: Config,
  text: string,
  wish: HostWish & { readonly address: string },
): Promise<HostRow> {
  const name = parseHostName(text)
  const others = await readHosts(catalog.kysely)
  if (others.some(host => host.name === name)) throw exists(name)
  refuseWish(catalog, wish)
  if (catalog.server.dialect === 'sqlite') makeHostFolder(parseFolderAddress(wish.address))
  const found = { name, address: addressOf(catalog, config, name, wish.address, others), username: wish.username ?? null }
  await proveHost(catalog, config, found, wish, others)
  await refuseReplica(catalog, config, found, wish)
  const row = {
    name,
    address: found.address,
    username: found.username,
    weight: wish.weight ?? 100,
    max_tenants: wish.maxTenants ?? null,
    max_connections: wish.maxConnections ?? null,
    read_address: wish.readAddress ?? null,
    region: wish.region ?? null,
    created_at: Date.now(),
  }
  await insertRows(catalog.database, 'hosts', [row], 'keep')
  const host = await getHost(catalog.kysely, name)
  // Another was faster with the same name.
  if (host.address !== found.address) {
    if (catalog.server.dialect === 'sqlite') unmarkFolder(found.address, markOwner(catalog, name))
    throw exists(name)
  }
  return host
}

/** @throws {Failure} HOST_NOT_FOUND, and those of `addHost`; nothing is changed then */
export async function changeHost(catalog: Catalog, config: Config, name: string, wish: HostWish): Promise<HostRow> {
  const before = await getHost(catalog.kysely, name)
  refuseWish(catalog, wish)
  if (name === DEFAULT_HOST && (wish.address !== undefined || wish.username !== undefined)) {
    const hint = catalog.server.dialect === 'mysql' ? 'DB_HOST, DB_PORT, DB_SOCKET, DB_USERNAME' : 'FEEDCTL_DATA'
    throw new Failure('HOST_INVALID', 'the host default is where the settings lead', { hint })
  }
  const others = await readHosts(catalog.kysely)
  const address = addressAfter(catalog, config, before, wish.address, others)
  const found = { name, address, username: wish.username ?? before.username }
  const isElsewhere = found.address !== before.address || found.username !== before.username
  if (isElsewhere) await proveHost(catalog, config, found, wish, others)
  else await refuseBudget(catalog, await catalog.hosts.serverOf(name), wish)
  await refuseReplica(catalog, config, found, wish)
  const changes = {
    ...(isElsewhere ? { address: found.address, username: found.username } : {}),
    ...(wish.weight === undefined ? {} : { weight: wish.weight }),
    ...(wish.maxTenants === undefined ? {} : { max_tenants: wish.maxTenants }),
    ...(wish.maxConnections === undefined ? {} : { max_connections: wish.maxConnections }),
    ...(wish.readAddress === undefined ? {} : { read_address: wish.readAddress }),
    ...(wish.region === undefined ? {} : { region: wish.region }),
  }
  if (Object.keys(changes).length === 0) return before
  await catalog.kysely.updateTable('hosts').set(changes).where('id', '=', before.id).execute()
  return getHost(catalog.kysely, name)
}

/**
 * `draining` takes no new tenants; those that are there stay, and are served.
 * @throws {Failure} HOST_NOT_FOUND; HOST_IN_USE for one that is to be open, and whose removal was begun; LOCKED
 */
export async function setHostState(catalog: Catalog, name: string, state: HostState): Promise<HostRow> {
  const before = await getHost(catalog.kysely, name)
  const write = () => catalog.kysely.updateTable('hosts').set({ state }).where('id', '=', before.id).execute()
  if (before.state !== 'draining' || state !== 'open') await write()
  else {
    await withPlacingLock(catalog, async () => {
      await refuseHalfRemoved(catalog, before)
      await write()
    })
  }
  return getHost(catalog.kysely, name)
}

/** New tenants would find their database being dropped, for ever. Where tenants are, nobody can have begun to remove the host. */
async function refuseHalfRemoved(catalog: Catalog, { id, name }: HostRow): Promise<void> {
  const dropping = catalog.kysely.selectFrom('placements').select('database_name').where('host_id', '=', id)
  const first = await dropping.where('kind', '=', 'dropping').orderBy('id').limit(1).executeTakeFirst()
  if (first === undefined || (await tenantsByHost(catalog)).has(id)) return
  throw new Failure('HOST_IN_USE', `the database ${first.database_name} on ${name} is being dropped`, {
    hint: `feedctl host remove ${name} --yes finishes it; then it can be added again`,
  })
}

/** The folder of before may be that of a disk which is not mounted: it is not looked at. */
function addressAfter(
  catalog: Catalog,
  config: Config,
  { name, address }: HostRow,
  text: string | undefined,
  others: readonly HostRow[],
): string | null {
  if (text === undefined) return address
  if (catalog.server.dialect === 'sqlite' && parseFolderAddress(text) === address) return address
  return addressOf(catalog, config, name, text, others)
}

function addressOf(catalog: Catalog, config: Config, name: string, text: string, others: readonly HostRow[]): string {
  if (catalog.server.dialect === 'sqlite') {
    return usableFolder(catalog, config, { name, address: parseFolderAddress(text) }, others)
  }
  const { host, port, socket } = parseServerAddress(text)
  return socket ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
}

/** @throws {Failure} HOST_INVALID for what SQLite has not, or what is no address */
function refuseWish(catalog: Catalog, wish: HostWish): void {
  if (typeof wish.readAddress === 'string') parseServerAddress(wish.readAddress)
  if (typeof wish.region === 'string') parseRegion(wish.region)
  if (catalog.server.dialect === 'mysql') return
  const foreign = [
    wish.username === undefined ? null : '--username',
    typeof wish.maxConnections === 'number' ? '--connections' : null,
    typeof wish.readAddress === 'string' ? '--read-address' : null,
  ].filter(flag => flag !== null)
  if (foreign.length === 0) return
  throw new Failure('HOST_INVALID', `a folder of SQLite files has no ${foreign.join(', ')}`, { hint: 'DB_CONNECTION=mysql' })
}

async function proveHost(
  catalog: Catalog,
  config: Config,
  host: Found,
  wish: HostWish,
  others: readonly HostRow[],
): Promise<void> {
  const address = host.address ?? ''
  const isFolder = catalog.server.dialect === 'sqlite'
  // It has no mark yet, without which a host's folder is taken for one whose disk is not mounted.
  const server = isFolder ? await openFolder(config, { folder: address }) : await openHost(config, host, address)
  try {
    await refuseSameServer(catalog, host, server, others)
    await refuseStrange(catalog, host, server)
    await refuseBudget(catalog, server, wish)
    await proveRights(server, { prefix: config.databasePrefix })
  } finally {
    await server.close()
  }
  if (isFolder) claimFolder(catalog, { name: host.name, address })
}

/** @throws {Failure} UNAVAILABLE, CONFIG_INVALID for a replica that does not answer, or lets the host's user not in */
async function refuseReplica(catalog: Catalog, config: Config, host: Found, { readAddress }: HostWish): Promise<void> {
  if (typeof readAddress !== 'string') return
  const username = host.name === DEFAULT_HOST ? null : host.username
  const replica = await openHost(config, { name: host.name, username }, readAddress)
  try {
    await replica.has(catalog.name)
  } finally {
    await replica.close()
  }
}

/** A host that is elsewhere now must hold what the catalog says it does. @throws {Failure} HOST_INVALID */
async function refuseStrange(catalog: Catalog, { name, address }: Found, server: DatabaseServer): Promise<void> {
  const placements = await catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select('database_name')
    .where('hosts.name', '=', name)
    .where('schema_version', '>', 0)
    .orderBy('placements.id', 'desc')
    .limit(PROVED_PLACEMENTS)
    .execute()
  for (const { database_name } of placements) {
    const owner = await ownerOf(catalog.id, server, parseDatabaseName(database_name))
    if (owner === 'ours') continue
    const why = owner === 'missing' ? `there is no ${database_name}` : `${database_name} is not this feedctl's`
    throw new Failure('HOST_INVALID', `${address} does not hold the databases of ${name}: ${why}`, {
      hint: 'copy them there first, or `feedctl host add` it as a host of its own and `feedctl tenant move` them',
    })
  }
}

/** @throws {Failure} HOST_INVALID for a budget that the server cannot keep */
async function refuseBudget(catalog: Catalog, server: DatabaseServer, { maxConnections: budget }: HostWish): Promise<void> {
  if (typeof budget !== 'number') return
  const most = await server.use<object, number | null>(catalog.name, maxConnections)
  if (most === null || budget <= most) return
  throw new Failure('HOST_INVALID', `the server accepts ${most} connections (max_connections), fewer than ${budget}`, {
    hint: 'fewer, or a larger max_connections of the server',
  })
}

function exists(name: string): Failure {
  return new Failure('HOST_EXISTS', `there is a database host ${name} already`, { hint: `feedctl host set ${name} ...` })
}
