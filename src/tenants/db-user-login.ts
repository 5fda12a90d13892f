import type { Config } from '../kernel/config.js'
import type { Catalog } from './catalog.js'
import type { DbUser } from './db-users.js'
import { parseServerAddress } from './hosts/names.js'

/** What a client needs to log in. */
export interface DbUserLogin {
  readonly username: string
  readonly password: string
  /** A name or an address; the path of a socket where feedctl itself reaches the server by one. */
  readonly host: string
  /** Null beside a socket. */
  readonly port: number | null
  readonly database: string
}

/** The server's address is the one that feedctl uses. */
export async function loginOf(
  catalog: Pick<Catalog, 'hosts'>,
  config: Pick<Config, 'dbHost' | 'dbPort' | 'dbSocket'>,
  { username, password, host: name, database }: DbUser,
): Promise<DbUserLogin> {
  const { address } = await catalog.hosts.rowOf(name)
  const { host, port, socket } =
    address === null ? { host: config.dbHost, port: config.dbPort, socket: config.dbSocket } : parseServerAddress(address)
  return { username, password, host: socket ?? host, port: socket === null ? port : null, database }
}

/** As it is shown once. */
export function loginWords({ username, password, host, port, database }: DbUserLogin): string {
  const where = port === null ? `by ${host}` : `at ${host}:${port}`
  return `database user ${username}, may read ${database} ${where}\nits password, shown once: ${password}`
}
