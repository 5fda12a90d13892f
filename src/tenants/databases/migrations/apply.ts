import { sql } from 'kysely'
import { Failure } from '../../../kernel/errors.js'
import type { OpenDatabase } from '../driver.js'

/** One step of a schema: statements per dialect, each of which may run twice. */
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
 * @throws {Failure} DATABASE_TAKEN when another catalog owns the database, SCHEMA_NEWER when a later feedctl migrated it; nothing is changed then
 */
export async function applyMigrations<S extends Ledger>(
  database: OpenDatabase<S>,
  migrations: readonly Migration[],
  catalogId: string,
  now: number,
): Promise<number> {
  await statement(database, LEDGER[database.dialect], 'feedctl_migrations')
  const applied = await ledgerOf(database)
  const latest = migrations.at(-1)?.version ?? 0
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
  const done = new Set(applied.map(row => row.version))
  for (const migration of migrations) {
    if (done.has(migration.version)) continue
    for (const text of migration[database.dialect]) await statement(database, text)
    const insert = database.dialect === 'sqlite' ? 'insert or ignore' : 'insert ignore'
    const table = sql.raw(database.qualify('feedctl_migrations'))
    await sql`${sql.raw(insert)} into ${table} (version, catalog_id, applied_at) values (${migration.version}, ${catalogId}, ${now})`.execute(
      database.kysely,
    )
  }
  return latest
}

/** The applied migrations; empty for an empty database. @throws {Failure} SCHEMA_MISSING when the database or its ledger is not there */
export async function ledgerOf<S extends Ledger>(database: OpenDatabase<S>): Promise<Ledger['feedctl_migrations'][]> {
  const table = sql.raw(database.qualify('feedctl_migrations'))
  const found = await sql<
    Ledger['feedctl_migrations']
  >`select version, catalog_id, applied_at from ${table} order by version`.execute(database.kysely)
  return found.rows
}

const NAMED_TABLE =
  /^(create table if not exists|create unique index if not exists \w+ on|create index if not exists \w+ on) (\w+)/

async function statement<S extends Ledger>(database: OpenDatabase<S>, text: string, named?: string): Promise<void> {
  const [all, verb, table] = NAMED_TABLE.exec(text) ?? []
  const name = named ?? table
  if (all === undefined || verb === undefined || name === undefined)
    throw new TypeError(`a migration names no table: ${text.slice(0, 60)}`)
  await sql.raw(`${verb} ${database.qualify(name as keyof S & string)}${text.slice(all.length)}`).execute(database.kysely)
}
