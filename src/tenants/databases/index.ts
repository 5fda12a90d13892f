import { join } from 'node:path'
import type { Config } from '../../kernel/config.js'
import type { DatabaseServer } from './driver.js'

export { insertRows, type OnDuplicate, updateRows } from './bulk.js'
export { type Column, insertColumns } from './columns.js'
export { describeSchema, differencesOf, type SchemaDescription } from './description/describe.js'
export type { DatabaseServer, DialectName, OpenDatabase } from './driver.js'
export { maxConnections } from './limits.js'
export { type Applying, applyMigrations, ledgerOf, type Migration } from './migrations/apply.js'
export * from './migrations/catalog.js'
export * from './migrations/catalog-versions.js'
export * from './migrations/tenant.js'
export * from './migrations/tenant-versions.js'

/** The server of the DB_* settings. Connects, and creates, nothing until it is used; the one who opens it closes it. */
export async function openServer(config: Config): Promise<DatabaseServer> {
  if (config.dbConnection === 'sqlite') {
    const { SqliteServer } = await import('./sqlite.js')
    return new SqliteServer({ folder: join(config.data, 'databases'), openFiles: config.openFiles })
  }
  const { MysqlServer } = await import('./mysql.js')
  return new MysqlServer({
    host: config.dbHost,
    port: config.dbPort,
    socket: config.dbSocket,
    username: config.dbUsername,
    password: config.dbPassword,
    connections: config.dbPool,
  })
}
