import { sql } from 'kysely'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { type DatabaseServer, ledgerOf, type TenantSchema } from '../../../src/tenants/databases/index.js'
import { type MysqlOptions, MysqlServer } from '../../../src/tenants/databases/mysql.js'
import { parseDatabaseName } from '../../../src/tenants/ids.js'
import { dropDatabases, sharedMariadbEnv } from '../../support/drivers.js'
import { startMariadb } from '../../support/mariadb.js'
import { findFreePort } from '../../support/server.js'
import { keepsTheDatabaseContract } from './contract.js'

const env = sharedMariadbEnv()
const prefix = env.FEEDCTL_DATABASE_PREFIX ?? ''
afterAll(() => dropDatabases(env))

const shared = (own: Partial<MysqlOptions> = {}): MysqlServer =>
  new MysqlServer({
    host: env.DB_HOST ?? '',
    port: Number(env.DB_PORT),
    socket: null,
    username: env.DB_USERNAME ?? '',
    password: env.DB_PASSWORD ?? '',
    connections: 8,
    ...own,
  })
const closed = <T extends DatabaseServer>(server: T): T => {
  onTestFinished(() => server.close())
  return server
}

describe('MariaDB', () => {
  keepsTheDatabaseContract(() => ({ server: shared(), prefix }))

  it('never has more connections than it may', async () => {
    const server = closed(shared({ connections: 2 }))
    const name = parseDatabaseName(`${prefix}bounded`)
    await server.create(name)
    const ids = await Promise.all(
      Array.from({ length: 20 }, () =>
        server.use<TenantSchema, unknown>(name, async ({ kysely }) => {
          const { rows } = await sql<{ id: number }>`select connection_id() as id, sleep(0.002)`.execute(kysely)
          return rows[0]?.id
        }),
      ),
    )
    expect(new Set(ids).size).toBeLessThanOrEqual(2)
  })

  it('is CONFIG_INVALID with a wrong password or without one', async () => {
    for (const password of ['wrong', null]) {
      await expect(closed(shared({ password })).has(parseDatabaseName('x'))).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
        exit: 3,
      })
    }
  })

  it('is UNAVAILABLE where no server listens, on a port and on a socket', async () => {
    for (const place of [{ port: await findFreePort() }, { socket: '/nonexistent/socket' }]) {
      await expect(closed(shared(place)).has(parseDatabaseName('x'))).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        exit: 5,
        retry: true,
      })
    }
  })

  it('is UNAVAILABLE while the server is down, in the midst of a transaction too, and works again afterwards', async () => {
    const machine = await startMariadb()
    onTestFinished(() => machine.dispose())
    const { host, port, username, password } = machine
    const server = closed(new MysqlServer({ host, port, socket: null, username, password, connections: 2 }))
    const name = parseDatabaseName('here')
    await server.create(name)
    const database = await server.hold<TenantSchema>(name)
    const away = { code: 'UNAVAILABLE' }
    const torn = database.kysely.transaction().execute(async tx => {
      await sql`select 1`.execute(tx)
      await machine.kill()
      await sql`select 1`.execute(tx)
    })
    await expect(torn).rejects.toMatchObject(away)
    await expect(server.has(name)).rejects.toMatchObject(away)
    await expect(server.create(parseDatabaseName('later'))).rejects.toMatchObject(away)
    await expect(server.drop(name)).rejects.toMatchObject(away)
    await expect(ledgerOf(database)).rejects.toMatchObject(away)
    await machine.start()
    expect([await server.has(name), await server.has(parseDatabaseName('later'))]).toEqual([true, false])
  })

  it('is UNAVAILABLE after it was closed', async () => {
    const server = shared()
    await server.has(parseDatabaseName('x'))
    await server.close()
    await expect(server.has(parseDatabaseName('x'))).rejects.toThrow()
  })
})
