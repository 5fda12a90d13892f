import { sql } from 'kysely'
import type { Config } from '../kernel/config.js'
import { catalogName } from '../tenants/catalog.js'
import type { DatabaseServer } from '../tenants/databases/index.js'

export interface MysqlFacts {
  readonly version: string
  readonly maxConnections: number
  /** Connections now, this one included. */
  readonly connections: number
  /** `innodb_flush_log_at_trx_commit`: 1 loses nothing that was committed. */
  readonly flushAtCommit: number
}

/** What the server says of itself. Needs no catalog. @throws {Failure} UNAVAILABLE, CONFIG_INVALID */
export function readMysqlFacts(server: DatabaseServer, config: Config): Promise<MysqlFacts> {
  return server.use<object, MysqlFacts>(catalogName(config), async ({ kysely }) => {
    const said = await sql<{ version: string; most: number; flush: number }>`
      select version() as version, @@global.max_connections as most, @@global.innodb_flush_log_at_trx_commit as flush`.execute(
      kysely,
    )
    const status = await sql<{ Value: string }>`show global status like 'Threads_connected'`.execute(kysely)
    const [row] = said.rows
    return {
      version: row?.version ?? '',
      maxConnections: Number(row?.most),
      connections: Number(status.rows[0]?.Value),
      flushAtCommit: Number(row?.flush),
    }
  })
}

/** The server's clock, epoch ms. @throws {Failure} UNAVAILABLE, CONFIG_INVALID */
export function readMysqlTime(server: DatabaseServer, config: Config): Promise<number> {
  return server.use<object, number>(catalogName(config), async ({ kysely }) => {
    const said = await sql<{ now: string }>`select unix_timestamp(now(3)) as now`.execute(kysely)
    return Number(said.rows[0]?.now) * 1000
  })
}
