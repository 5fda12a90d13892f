import { sql } from 'kysely'
import type { OpenDatabase } from './driver.js'

/** Connections that the database's server accepts at the same time; null for SQLite, which has no server. @throws {Failure} UNAVAILABLE */
export async function maxConnections<Schema>(database: OpenDatabase<Schema>): Promise<number | null> {
  if (database.dialect === 'sqlite') return null
  const { rows } = await sql<{ most: number | string }>`select @@max_connections as most`.execute(database.kysely)
  return Number(rows[0]?.most)
}
