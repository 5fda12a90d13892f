import { sql } from 'kysely'
import { Failure, wordsOf } from '../../../kernel/errors.js'
import type { OpenDatabase } from '../driver.js'

const NAMED_TABLE =
  /^(create table if not exists|create unique index if not exists \w+ on|create index if not exists \w+ on|alter table) (\w+)/

/** A table that others used for longer than a statement of a migration waits. A `Failure` UNAVAILABLE. */
export class TableInUse extends Failure {
  constructor(table: string, cause: unknown) {
    super('UNAVAILABLE', `the table ${table} was in use for too long`, {
      cause,
      hint: '`show processlist` names the long statement or transaction; then the same command again',
    })
  }
}

/**
 * Carries out one statement of a migration on the database's table of that name; one that adds what is there is calm.
 * @throws {Failure} MIGRATION_FAILED when it is refused for what it is, or for the rows that are there; `TableInUse`; UNAVAILABLE
 */
export async function runStatement<S>(database: OpenDatabase<S>, text: string, named?: string): Promise<void> {
  const [all, verb, table] = NAMED_TABLE.exec(text) ?? []
  const name = named ?? table
  if (all === undefined || verb === undefined || name === undefined)
    throw new TypeError(`a migration names no table: ${text.slice(0, 60)}`)
  try {
    await sql.raw(`${verb} ${database.qualify(name as keyof S & string)}${text.slice(all.length)}`).execute(database.kysely)
  } catch (error) {
    if (verb === 'alter table' && isThere(error)) return
    if (codeOf((error as Error).cause) === 'ER_LOCK_WAIT_TIMEOUT') throw new TableInUse(name, error)
    if (error instanceof Failure || codeOf(error) === null) throw error
    throw new Failure('MIGRATION_FAILED', `${verb} ${name} is refused: ${wordsOf(error)}`, { cause: error })
  }
}

/** The deed with statements that wait no longer than that for a table that is in use, on MySQL: a session of its own. SQLite has a patience of its own. */
export async function waitingBriefly<S, T>(
  database: OpenDatabase<S>,
  lockWaitS: number,
  deed: (session: OpenDatabase<S>) => Promise<T>,
): Promise<T> {
  if (database.dialect === 'sqlite') return deed(database)
  return database.kysely.connection().execute(async kysely => {
    await sql`set session lock_wait_timeout = ${sql.lit(lockWaitS)}`.execute(kysely)
    try {
      return await deed({ ...database, kysely })
    } finally {
      // A connection that is gone is not used again.
      await sql`set session lock_wait_timeout = default`.execute(kysely).catch(() => {})
    }
  })
}

/** Whether a column or index that was to be added is there. MySQL carries out none of the additions of such a statement, so one that adds several adds all or none. */
function isThere(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (code === 'ER_DUP_FIELDNAME' || code === 'ER_DUP_KEYNAME') return true
  return typeof message === 'string' && /^duplicate column name: /.test(message)
}

/** As the database's driver names it; null for what is none of its errors. */
function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : null
}
