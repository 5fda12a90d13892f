import { sql } from 'kysely'
import { Failure } from '../../../kernel/errors.js'
import { retry } from '../../../kernel/retry.js'
import type { OpenDatabase } from '../driver.js'
import { runStatement, TableInUse, waitingBriefly } from './statement.js'

/**
 * One step of a schema: statements per dialect, each of which may run twice. An `alter table` only ever adds: what it adds and finds
 * there, is done. Indexes on MySQL are added by `alter table`.
 */
export interface Migration {
  readonly version: number
  readonly sqlite: readonly string[]
  readonly mysql: readonly string[]
}

export interface Applying {
  /** The caller has just made the database, and nobody else works on it: the first version then makes the tables as they are now. */
  readonly empty?: boolean
  /** Of such a database the ledger is left empty: the caller writes it, by `noteAll`, before anyone may use the database. */
  readonly unnoted?: boolean
  /** When it aborts, the statement under way is ended and no other is begun: the call rejects with its reason. */
  readonly signal?: AbortSignal
  /**
   * How long a statement waits on MySQL for those who use its table, seconds: whoever comes after it waits as long. It is then given up, and tried
   * again after a pause for the others, three times in all.
   */
  readonly lockWaitS?: number
}

interface Ledger {
  feedctl_migrations: { version: number; catalog_id: string; applied_at: number }
}

const LEDGER = {
  sqlite:
    'create table if not exists feedctl_migrations (version integer primary key, catalog_id text not null, applied_at integer not null)',
  mysql:
    'create table if not exists feedctl_migrations (version int primary key, catalog_id varchar(40) not null, applied_at bigint not null) engine=innodb',
}

const ADDITION = /^alter table /
const LOCK_WAIT_S = 5
/** Between two attempts on a table that is in use: whoever waited behind the first is let through. */
const LOCK_TRIES = { tries: 3, firstMs: 2_000, maxMs: 2_000 }

/**
 * Brings the database's schema up to date and returns its version. Killed at any point, it is finished by the next call; several may do it at once.
 * @throws {Failure} DATABASE_TAKEN when another catalog owns the database, SCHEMA_NEWER when a later feedctl migrated it: nothing is changed then;
 * MIGRATION_FAILED when a statement is refused, UNAVAILABLE when the server does not answer or a table was in use for too long: what was done stays done
 */
export async function applyMigrations<S extends Ledger>(
  database: OpenDatabase<S>,
  migrations: readonly Migration[],
  catalogId: string,
  now: number,
  applying: Applying = {},
): Promise<number> {
  await runStatement(database, LEDGER[database.dialect], 'feedctl_migrations')
  const applied = applying.empty === true ? [] : await ledgerOf(database)
  const latest = migrations.at(-1)?.version ?? 0
  refuseOthers(applied, catalogId, latest)
  const done = new Set(applied.map(row => row.version))
  const missing = migrations.filter(migration => !done.has(migration.version))
  if (missing.length === 0) return latest
  if (applying.empty === true) {
    // On MySQL even an addition that is there already takes as long as half a table.
    const statements = missing.flatMap(migration => migration[database.dialect]).filter(text => !ADDITION.test(text))
    for (const text of statements) await runStatement(database, text)
    if (applying.unnoted !== true) await noteAll(database, missing, catalogId, now)
    return latest
  }
  await waitingBriefly(database, applying.lockWaitS ?? LOCK_WAIT_S, async session => {
    for (const migration of missing) {
      await applyOne(session, migration, applying.signal)
      await note(session, [migration.version], catalogId, now)
      // The first row says whose the database is, and another catalog may have written it meanwhile.
      if (applied.length === 0 && migration === migrations[0]) refuseOthers(await ledgerOf(session), catalogId, latest)
    }
  })
  return latest
}

async function applyOne<S>(database: OpenDatabase<S>, migration: Migration, signal: AbortSignal | undefined): Promise<void> {
  const worthRetrying = (error: unknown) => error instanceof TableInUse
  const options = { ...LOCK_TRIES, worthRetrying, ...(signal === undefined ? {} : { signal }) }
  for (const text of migration[database.dialect]) {
    signal?.throwIfAborted()
    await retry(() => runStatement(database, text), options)
  }
}

/**
 * Writes to the ledger that all of these were applied, the first before the others: whoever writes that has the database. Calm about those that are there.
 * @throws {Failure} DATABASE_TAKEN when another catalog was faster: the database is its own then, and nothing is written
 */
export async function noteAll<S extends Ledger>(
  database: OpenDatabase<S>,
  migrations: readonly Migration[],
  catalogId: string,
  now: number,
): Promise<void> {
  const [first, ...others] = migrations.map(({ version }) => version)
  if (first === undefined) return
  if ((await note(database, [first], catalogId, now)) === 0)
    refuseOthers(await ledgerOf(database), catalogId, migrations.at(-1)?.version ?? 0)
  if (others.length > 0) await note(database, others, catalogId, now)
}

/** How many of them were not there yet. */
async function note<S extends Ledger>(
  database: OpenDatabase<S>,
  versions: readonly number[],
  catalogId: string,
  now: number,
): Promise<number> {
  const insert = database.dialect === 'sqlite' ? 'insert or ignore' : 'insert ignore'
  const table = sql.raw(database.qualify('feedctl_migrations'))
  const rows = sql.join(versions.map(version => sql`(${version}, ${catalogId}, ${now})`))
  const written = await sql`${sql.raw(insert)} into ${table} (version, catalog_id, applied_at) values ${rows}`.execute(
    database.kysely,
  )
  return Number(written.numAffectedRows ?? 0)
}

function refuseOthers(applied: readonly Ledger['feedctl_migrations'][], catalogId: string, latest: number): void {
  for (const row of applied) {
    if (row.catalog_id !== catalogId)
      throw new Failure('DATABASE_TAKEN', 'the database belongs to another catalog', {
        hint: 'set FEEDCTL_DATABASE_PREFIX or DB_DATABASE',
      })
    if (row.version > latest)
      throw new Failure('SCHEMA_NEWER', `the database has schema ${row.version}, this feedctl knows ${latest}`, {
        hint: 'upgrade feedctl',
      })
  }
}

/** The applied migrations; empty for an empty database. @throws {Failure} SCHEMA_MISSING when the database or its ledger is not there */
export async function ledgerOf<S extends Ledger>(database: OpenDatabase<S>): Promise<Ledger['feedctl_migrations'][]> {
  const table = sql.raw(database.qualify('feedctl_migrations'))
  const found = await sql<
    Ledger['feedctl_migrations']
  >`select version, catalog_id, applied_at from ${table} order by version`.execute(database.kysely)
  return found.rows
}
