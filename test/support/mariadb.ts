import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { findFreePort, findProgram, Server } from './server.js'

const run = promisify(execFile)

/** How to reach a MariaDB, and the settings that lead feedctl there. */
export interface MariadbAddress {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly env: Readonly<Record<string, string>>
}

/** What makes a server other than the others of a run. */
export interface MariadbOptions {
  /** `@@server_id`, told apart by replication; 1 when not given. */
  readonly serverId?: number
  /** Keeps a binary log of rows, with strict GTIDs, so that another server can follow this one; off when not given. */
  readonly binaryLog?: boolean
  /** Flags of the daemon after ours (the last one counts), e.g. `--read-only=ON`, `--max-connections=20`. */
  readonly flags?: readonly string[]
}

/** A private MariaDB with its default durability; `username` may do everything, root has a password that nobody knows. */
export class MariadbServer extends Server implements MariadbAddress {
  readonly host = '127.0.0.1'
  readonly username = 'feedctl'

  private constructor(
    folder: string,
    command: readonly [string, ...string[]],
    readonly port: number,
    readonly socket: string,
    readonly password: string,
  ) {
    super({ folder, command, answers: () => answers({ host: '127.0.0.1', port, user: 'feedctl', password }) })
  }

  get env(): Readonly<Record<string, string>> {
    return mariadbEnv(this)
  }

  /** Asks by a connection of its own, as the user that may do everything. */
  async query(sql: string): Promise<RowDataPacket[]> {
    const { host, port, username: user, password } = this
    const connection = await createConnection({ host, port, user, password, connectTimeout: 5_000 })
    try {
      const [rows] = await connection.query<RowDataPacket[]>(sql)
      return rows
    } finally {
      await connection.end()
    }
  }

  /** An empty server that answers. */
  static async create(options: MariadbOptions = {}): Promise<MariadbServer> {
    const daemon = findProgram(['mariadbd', 'mysqld'], 'mariadb-server')
    const folder = await mkdtemp(join(tmpdir(), 'feedctl-mariadb-'))
    try {
      await installDatabase(folder)
      const password = randomBytes(18).toString('hex')
      const users = join(folder, 'users.sql')
      await writeFile(users, userStatements(password), { mode: 0o600 })
      const port = await findFreePort()
      const socket = join(folder, 'socket')
      const flags = [...daemonFlags(folder, { port, socket, users }), ...optionFlags(folder, options)]
      const server = new MariadbServer(folder, [daemon, ...flags], port, socket, password)
      await server.start()
      return server
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }
}

/** A server of the caller's own on a free port of 127.0.0.1; the caller disposes of it. */
export function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  return MariadbServer.create(options)
}

/** The address that a `mysql://user:password@host:port` names. */
export function mariadbAt(url: string): MariadbAddress {
  const { hostname, port, username, password } = new URL(url)
  const address = {
    host: hostname,
    port: port === '' ? 3306 : Number(port),
    username: decodeURIComponent(username),
    password: decodeURIComponent(password),
  }
  return { ...address, env: mariadbEnv(address) }
}

function mariadbEnv(address: Omit<MariadbAddress, 'env'>): Record<string, string> {
  return {
    DB_CONNECTION: 'mysql',
    DB_HOST: address.host,
    DB_PORT: String(address.port),
    DB_USERNAME: address.username,
    DB_PASSWORD: address.password,
  }
}

async function answers(login: { host: string; port: number; user: string; password: string }): Promise<void> {
  const connection = await createConnection({ ...login, connectTimeout: 2_000 })
  await connection.end()
}

async function installDatabase(folder: string): Promise<void> {
  const program = findProgram(['mariadb-install-db', 'mysql_install_db'], 'mariadb-server')
  const flags = [
    '--no-defaults',
    `--datadir=${join(folder, 'data')}`,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
  ]
  // A server that begins removes the temporary tables that it finds, those of another one that is at work as well.
  await run(program, [...flags, ...asRoot()], { env: { ...process.env, TMPDIR: folder } })
}

function daemonFlags(folder: string, place: { port: number; socket: string; users: string }): string[] {
  return [
    '--no-defaults',
    ...asRoot(),
    `--datadir=${join(folder, 'data')}`,
    `--tmpdir=${folder}`,
    `--socket=${place.socket}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--port=${place.port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    `--init-file=${place.users}`,
    '--innodb-buffer-pool-size=256M',
    '--performance-schema=OFF',
    // No more: the doctor's test has a pool of 200 be too many.
    '--max-connections=240',
  ]
}

function optionFlags(folder: string, { serverId = 1, binaryLog = false, flags = [] }: MariadbOptions): string[] {
  const log = [
    `--log-bin=${join(folder, 'data', 'binlog')}`,
    '--binlog-format=ROW',
    '--gtid-strict-mode=ON',
    '--log-slave-updates=ON',
  ]
  return [`--server-id=${serverId}`, ...(binaryLog ? log : []), ...flags]
}

/** MariaDB refuses to run as root unless told to. */
function asRoot(): string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}

/** Run at every start, before the first connection is accepted. */
function userStatements(password: string): string {
  const hosts = ['localhost', '127.0.0.1']
  return [
    // Every server makes users of its own: a follower must not be handed those of the one it follows.
    'SET SESSION sql_log_bin = 0;',
    ...hosts.map(host => `CREATE USER IF NOT EXISTS 'feedctl'@'${host}' IDENTIFIED BY '${password}';`),
    ...hosts.map(host => `GRANT ALL PRIVILEGES ON *.* TO 'feedctl'@'${host}' WITH GRANT OPTION;`),
    `ALTER USER 'root'@'localhost' IDENTIFIED BY '${randomBytes(18).toString('hex')}';`,
  ].join('\n')
}
