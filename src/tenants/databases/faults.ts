import type { CompiledQuery, DatabaseConnection, Dialect, Driver, TransactionSettings } from 'kysely'
import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'
import { refuseRawUnfiltered } from './raw-guard.js'

/** Tells a server's refusal in feedctl's words; null for what is a mistake in a statement of ours. */
export type Translate = (error: unknown) => Failure | null

/** What a server was sent. */
export interface Sent {
  statements: number
}

/** The dialect with every refusal of its server translated, wherever it surfaces, and its statements counted. */
export function translating(dialect: Dialect, translate: Translate, sent: Sent): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createDriver: () => new TranslatingDriver(dialect.createDriver(), translate, sent),
    createIntrospector: db => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
  }
}

class TranslatingDriver implements Driver {
  constructor(
    private readonly inner: Driver,
    private readonly translate: Translate,
    private readonly sent: Sent,
  ) {}

  init(): Promise<void> {
    return this.guard(() => this.inner.init())
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await this.guard(() => this.inner.acquireConnection())
    return new TranslatingConnection(connection, deed => this.statement(deed))
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return this.statement(() => this.inner.beginTransaction(innerOf(connection), settings))
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.statement(() => this.inner.commitTransaction(innerOf(connection)))
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return this.statement(() => this.inner.rollbackTransaction(innerOf(connection)))
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return this.guard(() => this.inner.releaseConnection(innerOf(connection)))
  }

  destroy(): Promise<void> {
    return this.inner.destroy()
  }

  private statement<T>(deed: () => Promise<T>): Promise<T> {
    this.sent.statements++
    return this.guard(deed)
  }

  private async guard<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      throw this.translate(error) ?? error
    }
  }
}

class TranslatingConnection implements DatabaseConnection {
  constructor(
    readonly inner: DatabaseConnection,
    private readonly statement: <T>(deed: () => Promise<T>) => Promise<T>,
  ) {}

  executeQuery<R>(query: CompiledQuery): ReturnType<DatabaseConnection['executeQuery']> & Promise<{ rows: R[] }> {
    // No plugin sees a statement that was compiled by hand.
    if (query.query.kind === 'RawNode') refuseRawUnfiltered(query.sql)
    return this.statement(() => this.inner.executeQuery<R>(query))
  }

  streamQuery<R>(
    query: CompiledQuery,
    chunkSize?: number,
  ): ReturnType<DatabaseConnection['streamQuery']> & AsyncIterableIterator<{ rows: R[] }> {
    return this.inner.streamQuery<R>(query, chunkSize)
  }
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof TranslatingConnection ? connection.inner : connection
}

const MYSQL_AWAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ER_CON_COUNT_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_CONNECTION_KILLED',
  'ER_NORMAL_SHUTDOWN',
  'ER_TOO_MANY_USER_CONNECTIONS',
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_QUERY_INTERRUPTED',
  'ER_SERVER_GONE_ERROR',
  'ECONNABORTED',
])
const MYSQL_BUSY = new Set([
  'ER_LOCK_DEADLOCK',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_STATEMENT_TIMEOUT',
  'ER_DISK_FULL',
  'ER_RECORD_FILE_FULL',
  'ER_OUT_OF_RESOURCES',
])
const MYSQL_REFUSED = new Set([
  'ER_ACCESS_DENIED_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_TABLEACCESS_DENIED_ERROR',
  'ER_ACCESS_DENIED_NO_PASSWORD_ERROR',
  'ER_SPECIFIC_ACCESS_DENIED_ERROR',
  'ER_HOST_NOT_PRIVILEGED',
  'ER_HOST_IS_BLOCKED',
  'ER_NOT_SUPPORTED_AUTH_MODE',
  'HANDSHAKE_NO_SSL_SUPPORT',
  'HANDSHAKE_SSL_ERROR',
])
/** A file of the database is not what the server expects, or cannot be removed. */
const MYSQL_DAMAGED = new Set([
  'ER_DB_DROP_DELETE',
  'ER_DB_DROP_RMDIR',
  'ER_CANT_DELETE_FILE',
  'ER_CANT_OPEN_FILE',
  'ER_FILE_NOT_FOUND',
  'ER_ERROR_ON_READ',
  'ER_GET_ERRNO',
  'ER_NOT_FORM_FILE',
  'ER_NOT_KEYFILE',
  'ER_CRASHED_ON_USAGE',
  'ER_CRASHED_ON_REPAIR',
  'ER_INDEX_CORRUPT',
  'ER_TABLE_CORRUPT',
  'ER_TABLESPACE_MISSING',
  'ER_TABLESPACE_DISCARDED',
])
/** MariaDB's ER_NO_SUCH_TABLE_IN_ENGINE, for which the client has no name. */
const MISSING_IN_ENGINE = 1932
const MYSQL_MISSING = new Set(['ER_BAD_DB_ERROR', 'ER_NO_SUCH_TABLE'])

/** @see https://mariadb.com/kb/en/mariadb-error-code-reference/ */
export const translateMysql: Translate = error => {
  if (error instanceof Failure) return error
  const { code, errno, message } = error as { code?: unknown; errno?: unknown; message?: unknown }
  const closed = typeof message === 'string' && /closed state|Pool is closed|Connection lost/.test(message)
  if (closed || (typeof code === 'string' && MYSQL_AWAY.has(code))) {
    return new Failure('UNAVAILABLE', `the database does not answer: ${wordsOf(error)}`, {
      cause: error,
      hint: 'check DB_HOST, DB_PORT or DB_SOCKET, and that the server runs',
    })
  }
  if (errno === MISSING_IN_ENGINE || (typeof code === 'string' && MYSQL_DAMAGED.has(code))) {
    return new Failure('UNAVAILABLE', `a file of the database is damaged, or in the way: ${wordsOf(error)}`, {
      cause: error,
      hint: "check the data directory of the database server, and the server's log",
    })
  }
  if (typeof code !== 'string') return null
  if (MYSQL_BUSY.has(code)) return new Failure('UNAVAILABLE', `the database cannot now: ${wordsOf(error)}`, { cause: error })
  if (MYSQL_REFUSED.has(code)) {
    return new Failure('CONFIG_INVALID', `the database refuses: ${wordsOf(error)}`, {
      cause: error,
      hint: 'check DB_USERNAME, DB_PASSWORD and the rights of that user',
    })
  }
  return MYSQL_MISSING.has(code) ? schemaMissing(error) : null
}

/** Losses of one connection, and refusals of a further one: the host answers others. */
const ONE_CONNECTION = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'ER_CONNECTION_KILLED',
  'ER_QUERY_INTERRUPTED',
  'ER_CON_COUNT_ERROR',
  'ER_TOO_MANY_USER_CONNECTIONS',
])

/** Whether a failure says of the whole host that it cannot be asked now, and not only of one connection to it, or of one database or file there. */
export function isHostAway(error: unknown): error is Failure {
  if (!isFailure(error, 'UNAVAILABLE')) return false
  const { code, errno } = (error.cause ?? {}) as { code?: unknown; errno?: unknown }
  if (errno === MISSING_IN_ENGINE) return false
  return (
    typeof code !== 'string' ||
    !(ONE_CONNECTION.has(code) || MYSQL_DAMAGED.has(code) || MYSQL_BUSY.has(code) || code.startsWith('SQLITE_'))
  )
}

/** Whether a failure says that a database cannot be read for as long as nobody mends its files: not that it could not be asked for a moment. */
export function isDamaged(error: unknown): error is Failure {
  if (!isFailure(error, 'UNAVAILABLE')) return false
  const { code, errno } = (error.cause ?? {}) as { code?: unknown; errno?: unknown }
  if (errno === MISSING_IN_ENGINE) return true
  return typeof code === 'string' && (MYSQL_DAMAGED.has(code) || /^SQLITE_(NOTADB|CORRUPT|IOERR)/.test(code))
}

/** The translation for a host beside the one of the DB_* settings: its refusals name it, and what is looked at then. */
export function atHost(translate: Translate, name: string, address: string): Translate {
  return error => {
    const failure = translate(error)
    if (failure === null || failure === error || failure.code === 'SCHEMA_MISSING') return failure
    const hint =
      failure.code === 'CONFIG_INVALID'
        ? `check FEEDCTL_HOST_PASSWORDS, the user of ${name} and its rights: feedctl host list`
        : `check the host at ${address}: feedctl host list`
    const message = failure.message.replace(/^the database( file)?/, `the database host ${name}`)
    return new Failure(failure.code, message, { hint, cause: failure.cause })
  }
}

/** @see https://www.sqlite.org/rescode.html */
export const translateSqlite: Translate = error => {
  if (error instanceof Failure) return error
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code !== 'string' || typeof message !== 'string') return null
  if (code.startsWith('SQLITE_FULL')) {
    return new Failure('DISK_FULL', `there is no room for the database file: ${message} (${code})`, {
      cause: error,
      hint: 'make room in FEEDCTL_DATA, and run it again',
    })
  }
  if (/^SQLITE_(BUSY|LOCKED|IOERR|CANTOPEN|READONLY|NOTADB|CORRUPT)/.test(code)) {
    return new Failure('UNAVAILABLE', `the database file refuses: ${message} (${code})`, {
      cause: error,
      hint: 'check FEEDCTL_DATA: rights, free space, other processes',
    })
  }
  return /^no such table/.test(message) ? schemaMissing(error) : null
}

function schemaMissing(error: unknown): Failure {
  return new Failure('SCHEMA_MISSING', `the database is not set up: ${wordsOf(error)}`, { cause: error, hint: 'feedctl init' })
}
