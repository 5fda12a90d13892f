import { join } from 'node:path'
import type { Config } from '../../kernel/config.js'
import type { DatabaseServer } from './driver.js'
import type { MysqlOptions } from './mysql.js'
import type { SqliteOptions } from './sqlite.js'

export { insertRows, type OnDuplicate, updateRows } from './bulk.js'
export { type Column, insertColumns } from './columns.js'
export { describeSchema, differencesOf } from './description/describe.js'
export type { SchemaDescription } from './description/schema.js'
export type { ConnectionBound, DatabaseServer, DialectName, OpenDatabase } from './driver.js'
export { isDamaged, isHostAway } from './faults.js'
export { markFolder, markOf, unmarkFolder } from './host-mark.js'
export { maxConnections } from './limits.js'
export { type Applying, applyMigrations, ledgerOf, type Migration, noteAll } from './migrations/apply.js'
export * from './migrations/catalog.js'
export * from './migrations/catalog-versions.js'
export * from './migrations/tenant.js'
export * from './migrations/tenant-versions.js'

/** The server of the DB_* settings. Connects, and creates, nothing until it is used; the one who opens it closes it. */
export async function openServer(config: Config): Promise<DatabaseServer> {
  if (config.dbConnection === 'sqlite') return openFolder(config, { folder: join(config.data, 'databases') })
  return openMysql(config, {
    host: config.dbHost,
    port: config.dbPort,
    socket: config.dbSocket,
    username: config.dbUsername,
    password: config.dbPassword,
  })
}

/** A server at another place, with the bounds of the settings; the one who opens it closes it. */
export async function openMysql(config: Config, place: Omit<MysqlOptions, 'connections'>): Promise<DatabaseServer> {
  const { MysqlServer } = await import('./mysql.js')
  return new MysqlServer({ ...place, connections: config.dbPool })
}

/** The same of a folder. */
export async function openFolder(config: Config, place: Omit<SqliteOptions, 'openFiles'>): Promise<DatabaseServer> {
  const { SqliteServer } = await import('./sqlite.js')
  return new SqliteServer({ ...place, openFiles: config.openFiles })
}
