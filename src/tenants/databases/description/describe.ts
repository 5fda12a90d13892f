import type { DatabaseName } from '../../ids.js'
import type { OpenDatabase } from '../driver.js'
import { describeMysql } from './mysql.js'
import type { SchemaDescription, TableDescription } from './schema.js'
import { describeSqlite } from './sqlite.js'

/**
 * The schema as the database has it. Nothing of other databases is looked at. Of a missing database: empty on MySQL.
 * @throws {Failure} SCHEMA_MISSING on SQLite, UNAVAILABLE
 */
export function describeSchema<S>(database: OpenDatabase<S>, name: DatabaseName): Promise<SchemaDescription> {
  return database.dialect === 'sqlite' ? describeSqlite(database) : describeMysql(database, name)
}

/**
 * What differs from the expected schema, a sentence each, by table: what is missing, what is too much, and what is another than expected. Empty when
 * the two are the same.
 */
export function differencesOf(real: SchemaDescription, expected: SchemaDescription): string[] {
  const found: string[] = []
  for (const [name, wanted] of expected) {
    const table = real.get(name)
    if (table === undefined) found.push(`table ${name} is missing`)
    else {
      if (table.table !== wanted.table) found.push(`table ${name} is ${table.table}, expected ${wanted.table}`)
      found.push(...differencesIn(name, table.parts, wanted.parts))
    }
  }
  for (const name of real.keys()) if (!expected.has(name)) found.push(`table ${name} is not expected`)
  return found
}

function differencesIn(table: string, real: TableDescription['parts'], expected: TableDescription['parts']): string[] {
  const found: string[] = []
  for (const [part, wanted] of expected) {
    const there = real.get(part)
    if (there === undefined) found.push(`${table}: ${part} is missing`)
    else if (there !== wanted) found.push(`${table}: ${part} is ${there}, expected ${wanted}`)
  }
  for (const part of real.keys()) if (!expected.has(part)) found.push(`${table}: ${part} is not expected`)
  return found
}
