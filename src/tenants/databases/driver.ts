import type { Kysely } from 'kysely'
import type { DatabaseName } from '../ids.js'

export type DialectName = 'sqlite' | 'mysql'

/** One database of a host, open for the length of a deed. */
export interface OpenDatabase<Schema> {
  readonly dialect: DialectName
  readonly kysely: Kysely<Schema>
  /** The table's name as raw SQL needs it, quoted and qualified. */
  qualify(table: keyof Schema & string): string
}

/** How many connections a process opens to a host. */
export interface ConnectionBound {
  /** Those that are open, or are being opened, now. */
  readonly open: number
  /** Most that may be open; 0 has every statement wait, and be UNAVAILABLE after some seconds. */
  readonly limit: number
  /** Sets the limit, never above what the server was opened with. Those beyond it are closed when nobody uses them: at once, or when a statement or transaction ends. */
  bound(connections: number): void
}

export interface HoldOptions {
  readonly isUrgent?: boolean
  readonly isAside?: boolean
}

/**
 * The databases of one host behind one bounded set of connections.
 * Every refusal of the server is a Failure: UNAVAILABLE (try again; also where a file of a database is damaged, or cannot be removed), CONFIG_INVALID (refused
 * credentials), SCHEMA_MISSING (no such database or table).
 */
export interface DatabaseServer {
  readonly dialect: DialectName
  /** Statements sent since it was opened, those that begin and end transactions among them. */
  readonly statements: number
  /** Null on SQLite, which has none. */
  readonly connections: ConnectionBound | null
  /** Makes an empty database. Of several that race, exactly one gets true; false means it was there already, untouched. */
  create(name: DatabaseName): Promise<boolean>
  /** False for a missing one; an unreachable server is a Failure, never false. */
  has(name: DatabaseName): Promise<boolean>
  /** Names of the databases that begin with the prefix, in order; neighbours whose names only look alike are not among them. */
  names(prefix: string): Promise<DatabaseName[]>
  /** True when the database holds no table at all. @throws {Failure} SCHEMA_MISSING when there is no such database */
  isEmpty(name: DatabaseName): Promise<boolean>
  /** Removes the database with all that is in it; false when there is none. Neighbours with longer or shorter names stay. */
  drop(name: DatabaseName): Promise<boolean>
  /**
   * Runs the deed on the database; the handle is valid until it ends. A missing database is SCHEMA_MISSING and creates nothing.
   * A deed may open other databases, but must not hold a transaction while it waits for anything but this database.
   */
  use<Schema, T>(name: DatabaseName, deed: (database: OpenDatabase<Schema>) => Promise<T>): Promise<T>
  /**
   * Runs the deed on the database as it is at one moment: it sees nothing that is written meanwhile, no writer waits for it, and it cannot write. Unlike other
   * deeds it may wait for whatever it likes. A missing database is SCHEMA_MISSING and creates nothing.
   */
  snapshot<Schema, T>(name: DatabaseName, deed: (reader: Kysely<Schema>) => Promise<T>): Promise<T>
  /**
   * The database for as long as the server is open; for the one that everything needs. A missing database is SCHEMA_MISSING and creates nothing. `isUrgent`: what others rely
   * on being done in time; its statements wait for no others. From its first one on, the last of several connections is kept for it, and it has one more for a moment where the only one is busy for long.
   * `isAside`: what may as well be done later; on SQLite over a connection of its own, so that no other statement waits for it, and UNAVAILABLE after a second of waiting for
   * another process.
   */
  hold<Schema>(name: DatabaseName, options?: HoldOptions): Promise<OpenDatabase<Schema>>
  /** The same server as another user, by one connection, which is opened when it is used; the one who opens it closes it. Null on SQLite, which has no users. */
  asUser(username: string, password: string): DatabaseServer | null
  /** Ends all connections; deeds under way fail. Twice is calm. */
  close(): Promise<void>
}
