import { setImmediate } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type Libsql from 'libsql'
import { sleep } from '../../kernel/clock.js'

const KEPT_STATEMENTS = 60
/** A longer statement is rarely the same again. */
const KEPT_CHARACTERS = 4_000
const BUSY_PATIENCE_MS = 15_000
const ASIDE_PATIENCE_MS = 1_000
/** Nothing else happens in the process while a statement runs: after so much of it everything else has a turn. */
const TURN_AFTER_MS = 5

/** A `reader`'s transactions take no lock: each sees the file as it is at its first statement. What is written `aside` soon gives up. */
export type FileUse = 'writer' | 'reader' | 'aside'

/**
 * Kysely on one SQLite file: one connection, one transaction at a time (whoever else comes waits, so that a turn of the loop may pass within one),
 * statements kept prepared.
 * Another process's lock is awaited without blocking this one, up to 15 s, `aside` up to 1 s; transactions take the write lock at their start,
 * so that none fails half-way for a lock.
 */
export function libsqlDialect(file: Libsql.Database, use: FileUse = 'writer'): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new LibsqlDriver(file, use),
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }
}

class LibsqlDriver implements Driver {
  private readonly connection: LibsqlConnection
  private lastTurn: Promise<void> = Promise.resolve()
  private endTurn: () => void = () => {}

  constructor(
    private readonly file: Libsql.Database,
    private readonly use: FileUse,
  ) {
    this.connection = new LibsqlConnection(file, use === 'aside' ? ASIDE_PATIENCE_MS : BUSY_PATIENCE_MS)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.lastTurn
    let end: () => void = () => {}
    this.lastTurn = new Promise(resolve => {
      end = resolve
    })
    await before
    this.endTurn = end
    return this.connection
  }

  async releaseConnection(): Promise<void> {
    this.endTurn()
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(this.use === 'reader' ? 'begin' : 'begin immediate'))
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'))
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // On a full disk, and on some other errors, SQLite has rolled back by itself.
    if (this.file.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'))
  }

  async destroy(): Promise<void> {
    this.file.close()
  }
}

class LibsqlConnection implements DatabaseConnection {
  private readonly statements = new Map<string, Libsql.Statement>()
  /** What statements took since the last turn was given. */
  private ranMs = 0

  constructor(
    private readonly file: Libsql.Database,
    private readonly busyPatienceMs: number,
  ) {}

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    if (this.ranMs > TURN_AFTER_MS) {
      this.ranMs = 0
      await setImmediate()
    }
    const end = Date.now() + this.busyPatienceMs
    for (let waitMs = 2; ; waitMs = Math.min(50, waitMs * 2)) {
      try {
        return this.executeNow<R>(query)
      } catch (error) {
        if (!isBusy(error) || Date.now() > end) throw error
        await sleep(waitMs)
      }
    }
  }

  // biome-ignore lint/correctness/useYield: SQLite rows are never streamed here
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not used on SQLite')
  }

  private executeNow<R>(query: CompiledQuery): QueryResult<R> {
    const begun = performance.now()
    try {
      return this.run<R>(query)
    } finally {
      this.ranMs += performance.now() - begun
    }
  }

  private run<R>(query: CompiledQuery): QueryResult<R> {
    const statement = this.statementOf(query.sql)
    if (statement.reader) return { rows: withBytes(statement.all(query.parameters) as R[]) }
    const { changes, lastInsertRowid } = statement.run(query.parameters)
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
  }

  private statementOf(sql: string): Libsql.Statement {
    if (sql.length > KEPT_CHARACTERS) return this.file.prepare(sql)
    const kept = this.statements.get(sql)
    this.statements.delete(sql)
    const statement = kept ?? this.file.prepare(sql)
    this.statements.set(sql, statement)
    if (this.statements.size > KEPT_STATEMENTS) this.statements.delete(this.statements.keys().next().value ?? '')
    return statement
  }
}

/** Blobs come as ArrayBuffers, which no other driver gives. */
function withBytes<R>(rows: R[]): R[] {
  for (const row of rows as Record<string, unknown>[]) {
    for (const name in row) {
      const value = row[name]
      if (value instanceof ArrayBuffer) row[name] = new Uint8Array(value)
    }
  }
  return rows
}

function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && (code.startsWith('SQLITE_BUSY') || code === 'SQLITE_LOCKED')
}
