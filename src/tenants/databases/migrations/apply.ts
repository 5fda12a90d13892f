import { sql } from 'kysely'
import { Failure } from '../../../kernel/errors.js'
import type { OpenDatabase } from '../driver.js'

/**
 * One step of a schema: statements per dialect, each of which may run twice. An `alter table` only ever adds: what it adds and finds
 * there, is done. Indexes on MySQL are added by `alter table`.
 */
export interface Migration {
  readonly version: number
  readonly sqlite: readonly string[]
  readonly mysql: readonly string[]
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

/**
 * Brings the database's schema up to date and returns its version. Killed at any point, it is finished by the next call.
 * `empty`: the caller has just made the database, and nobody else works on it; the first version then makes the tables as they are now.
 * @throws {Failure} DATABASE_TAKEN when another catalog owns the database, SCHEMA_NEWER when a later feedctl migrated it; nothing is changed then
 */
export async function applyMigrations<S extends Ledger>(
  database: OpenDatabase<S>,
  migrations: readonly Migration[],
  catalogId: string,
  now: number,
  { empty = false }: { readonly empty?: boolean } = {},
): Promise<number> {
  await statement(database, LEDGER[database.dialect], 'feedctl_migrations')
  const applied = empty ? [] : await ledgerOf(database)
  const latest = migrations.at(-1)?.version ?? 0
  refuseOthers(applied, catalogId, latest)
  const done = new Set(applied.map(row => row.version))
  const missing = migrations.filter(migration => !done.has(migration.version))
  for (const migration of missing) {
    // On MySQL even an addition that is there already takes as long as half a table.
    const statements = migration[database.dialect].filter(text => !empty || !ADDITION.test(text))
    for (const text of statements) await statement(database, text)
    if (empty) continue
    await note(database, [migration.version], catalogId, now)
    // The first row says whose the database is, and another catalog may have written it meanwhile.
    if (applied.length === 0 && migration === migrations[0]) refuseOthers(await ledgerOf(database), catalogId, latest)
  }
  if (empty)
    await note(
      database,
      missing.map(migration => migration.version),
      catalogId,
      now,
    )
  return latest
}

async function note<S extends Ledger>(
  database: OpenDatabase<S>,
  versions: readonly number[],
  catalogId: string,
  now: number,
): Promise<void> {
  const insert = database.dialect === 'sqlite' ? 'insert or ignore' : 'insert ignore'
  const table = sql.raw(database.qualify('feedctl_migrations'))
  const rows = sql.join(versions.map(version => sql`(${version}, ${catalogId}, ${now})`))
  await sql`${sql.raw(insert)} into ${table} (version, catalog_id, applied_at) values ${rows}`.execute(database.kysely)
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

const ADDITION = /^alter table /
const NAMED_TABLE =
  /^(create table if not exists|create unique index if not exists \w+ on|create index if not exists \w+ on|alter table) (\w+)/

async function statement<S extends Ledger>(database: OpenDatabase<S>, text: string, named?: string): Promise<void> {
  const [all, verb, table] = NAMED_TABLE.exec(text) ?? []
  const name = named ?? table
  if (all === undefined || verb === undefined || name === undefined)
    throw new TypeError(`a migration names no table: ${text.slice(0, 60)}`)
  try {
    await sql.raw(`${verb} ${database.qualify(name as keyof S & string)}${text.slice(all.length)}`).execute(database.kysely)
  } catch (error) {
    if (verb !== 'alter table' || !isThere(error)) throw error
  }
}

/** Whether a column or index that was to be added is there. MySQL carries out none of the additions of such a statement, so one that adds several adds all or none. */
function isThere(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (code === 'ER_DUP_FIELDNAME' || code === 'ER_DUP_KEYNAME') return true
  return typeof message === 'string' && /^duplicate column name: /.test(message)
}
