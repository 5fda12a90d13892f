import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { type MariadbServer, startMariadb } from './mariadb.js'

/** A MariaDB and another that follows it by GTID, whose user has the same password. */
export interface ReplicatedMariadb extends AsyncDisposable {
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
  const passwords = new Map([
    [primary, primary.password],
    [replica, replica.password],
  ])
  const run = async (server: MariadbServer, ...statements: readonly string[]): Promise<RowDataPacket[]> => {
    const { host, port, username } = server
    const connection = await createConnection({ host, port, user: username, password: passwords.get(server) ?? '' })
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
    ...['localhost', '127.0.0.1'].map(host => `ALTER USER '${replica.username}'@'${host}' IDENTIFIED BY '${primary.password}'`),
  )
  passwords.set(replica, primary.password)
  return {
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
