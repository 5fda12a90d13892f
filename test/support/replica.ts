import { randomBytes } from 'node:crypto'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { type MariadbServer, startMariadb } from './mariadb.js'

/** A MariaDB and another that follows it by GTID. */
export interface ReplicatedMariadb extends AsyncDisposable {
  /** Leads to the primary, as a user whom both know, and who may do everything. */
  readonly env: Readonly<Record<string, string>>
  readonly primary: MariadbServer
  readonly replica: MariadbServer
  /** Takes the changes of the primary in, and applies none until `goOn`. */
  holdBack(): Promise<void>
  goOn(): Promise<void>
  /** Resolves when the replica has applied all that the primary has by now. */
  caughtUp(): Promise<void>
  /** SELECT statements that a server has been sent, by whomever. */
  selects(server: MariadbServer): Promise<number>
}

export async function startReplicated(): Promise<ReplicatedMariadb> {
  const primary = await startMariadb({ serverId: 1, binaryLog: true })
  const replica = await startMariadb({ serverId: 2, flags: ['--read-only=ON'] }).catch(async error => {
    await primary.dispose()
    throw error
  })
  const run = async (server: MariadbServer, ...statements: readonly string[]): Promise<RowDataPacket[]> => {
    const { host, port, username, password } = server
    const connection = await createConnection({ host, port, user: username, password })
    try {
      let rows: RowDataPacket[] = []
      for (const statement of statements) rows = (await connection.query<RowDataPacket[]>(statement))[0]
      return rows
    } finally {
      await connection.end()
    }
  }
  const at = `MASTER_HOST='${primary.host}', MASTER_PORT=${primary.port}, MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos`
  await run(
    replica,
    `CHANGE MASTER TO ${at}, MASTER_USER='${primary.username}', MASTER_PASSWORD='${primary.password}'`,
    'START SLAVE',
  )
  const password = randomBytes(12).toString('hex')
  await run(
    primary,
    `CREATE USER 'everywhere'@'%' IDENTIFIED BY '${password}'`,
    "GRANT ALL PRIVILEGES ON *.* TO 'everywhere'@'%' WITH GRANT OPTION",
  )
  return {
    env: { ...primary.env, DB_USERNAME: 'everywhere', DB_PASSWORD: password },
    primary,
    replica,
    holdBack: async () => void (await run(replica, 'STOP SLAVE SQL_THREAD')),
    goOn: async () => void (await run(replica, 'START SLAVE')),
    caughtUp: async () => {
      const [position] = await run(primary, 'SELECT @@GLOBAL.gtid_binlog_pos AS gtid')
      const [waited] = await run(replica, `SELECT MASTER_GTID_WAIT('${position?.gtid}', 60) AS late`)
      if (Number(waited?.late) !== 0) throw new Error('the replica does not catch up')
    },
    selects: async server => Number((await run(server, "SHOW GLOBAL STATUS LIKE 'Com_select'"))[0]?.Value),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([primary.dispose(), replica.dispose()])
    },
  }
}
