import { Kysely, MysqlDialect, type MysqlPool, sql } from 'kysely'
import { createPool, type Pool, type PoolOptions } from 'mysql2'
import { Failure } from '../../kernel/errors.js'
import { type DatabaseName, isDatabaseName } from '../ids.js'
import { BoundedPool } from './bounded-pool.js'
import type { DatabaseServer, HoldOptions, OpenDatabase } from './driver.js'
import { atHost, type Sent, translateMysql, translating } from './faults.js'
import { tenantGuard } from './guard.js'

export interface MysqlOptions {
  readonly host: string
  readonly port: number
  /** Unix socket; null to use host and port. */
  readonly socket: string | null
  readonly username: string
  readonly password: string | null
  /** Most connections this process opens to the host. */
  readonly connections: number
  /** What its refusals name it by; null for the host of the DB_* settings. */
  readonly name?: string | null
}

/** Handles cost little to make: those of the databases that were used last are kept. */
const KEPT_HANDLES = 500

/** Databases of one MySQL or MariaDB server behind one pool: statements name their database, connections have none of their own. */
export class MysqlServer implements DatabaseServer {
  readonly dialect = 'mysql'
  readonly connections: BoundedPool
  private readonly kysely: Kysely<unknown>
  /** Ends with the other. */
  private readonly urgent: Kysely<unknown>
  /** The newest used last. */
  private readonly perDatabase = new Map<DatabaseName, Kysely<unknown>>()
  private readonly sent: Sent = { statements: 0 }
  private closed = false

  constructor(private readonly options: MysqlOptions) {
    const { name = null, connections } = options
    const address = options.socket ?? `${options.host}:${options.port}`
    const words = name === null ? 'the database' : `the database host ${name}`
    this.connections = new BoundedPool(poolOf(options), { connections, host: words })
    const translate = name === null ? translateMysql : atHost(translateMysql, name, address)
    const over = (pool: MysqlPool) =>
      new Kysely<unknown>({
        dialect: translating(new MysqlDialect({ pool }), translate, this.sent),
        plugins: [tenantGuard],
      })
    this.kysely = over(this.connections)
    this.urgent = over(this.connections.urgent)
  }

  get statements(): number {
    return this.sent.statements
  }

  async create(name: DatabaseName): Promise<boolean> {
    try {
      await sql`create database ${sql.id(name)} character set utf8mb4 collate utf8mb4_bin`.execute(this.kysely)
      return true
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ER_DB_CREATE_EXISTS') return false
      throw error
    }
  }

  async has(name: DatabaseName): Promise<boolean> {
    const found = await sql`select 1 from information_schema.schemata where schema_name = ${name}`.execute(this.kysely)
    return found.rows.length > 0
  }

  async names(prefix: string): Promise<DatabaseName[]> {
    // A look at information_schema would walk all of the server's. Here `_` stands for any character: those that only look alike are left out below.
    const found = await sql<Record<string, string>>`show databases like ${`${prefix}%`}`.execute(this.kysely)
    const names = found.rows.flatMap(row => Object.values(row))
    return names.flatMap(name => (name.startsWith(prefix) && isDatabaseName(name) ? [name] : [])).sort()
  }

  async isEmpty(name: DatabaseName): Promise<boolean> {
    const found = await sql`select 1 from information_schema.tables where table_schema = ${name} limit 1`.execute(this.kysely)
    if (found.rows.length > 0) return false
    if (await this.has(name)) return true
    throw new Failure('SCHEMA_MISSING', `there is no database ${name}`, { hint: 'feedctl tenant list' })
  }

  async drop(name: DatabaseName): Promise<boolean> {
    this.perDatabase.delete(name)
    try {
      await sql`drop database ${sql.id(name)}`.execute(this.kysely)
      return true
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ER_DB_DROP_EXISTS') return false
      throw error
    }
  }

  async use<Schema, T>(name: DatabaseName, deed: (database: OpenDatabase<Schema>) => Promise<T>): Promise<T> {
    return deed(this.databaseOf(name))
  }

  async snapshot<Schema, T>(name: DatabaseName, deed: (reader: Kysely<Schema>) => Promise<T>): Promise<T> {
    const { kysely } = this.databaseOf<Schema>(name)
    return kysely.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(deed)
  }

  async hold<Schema>(name: DatabaseName, { isUrgent = false }: HoldOptions = {}): Promise<OpenDatabase<Schema>> {
    const database = this.databaseOf<Schema>(name)
    return isUrgent ? { ...database, kysely: this.urgent.withSchema(name) as Kysely<Schema> } : database
  }

  asUser(username: string, password: string): MysqlServer {
    return new MysqlServer({ ...this.options, username, password, connections: 1 })
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await this.kysely.destroy()
  }

  private databaseOf<Schema>(name: DatabaseName): OpenDatabase<Schema> {
    const known = this.perDatabase.get(name)
    const handle = known ?? this.kysely.withSchema(name)
    this.perDatabase.delete(name)
    this.perDatabase.set(name, handle)
    if (this.perDatabase.size > KEPT_HANDLES) this.perDatabase.delete(this.perDatabase.keys().next().value as DatabaseName)
    return { dialect: this.dialect, kysely: handle as Kysely<Schema>, qualify: table => `\`${name}\`.\`${table}\`` }
  }
}

function poolOf(options: MysqlOptions): Pool {
  const where: PoolOptions = options.socket === null ? { host: options.host, port: options.port } : { socketPath: options.socket }
  const pool = createPool({
    ...where,
    user: options.username,
    ...(options.password === null ? {} : { password: options.password }),
    // The bound is kept by those who ask; one more is for what is urgent.
    connectionLimit: options.connections + 1,
    maxIdle: options.connections + 1,
    idleTimeout: 30_000,
    connectTimeout: 5_000,
    charset: 'utf8mb4_bin',
    supportBigNumbers: true,
    enableKeepAlive: true,
    keepAliveInitialDelay: 10_000,
  })
  // Without gap locks, writers of different tenants in shared tables do not wait for each other.
  pool.on('connection', connection => {
    connection.query('set session transaction isolation level read committed', () => {})
  })
  return pool
}
