import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MysqlServer } from '../../../src/tenants/databases/mysql.js'
import { ReplicaWatch } from '../../../src/tenants/hosts/replica-watch.js'
import { parseDatabaseName } from '../../../src/tenants/ids.js'
import type { MariadbServer } from '../../support/mariadb.js'
import { type ReplicatedMariadb, startReplicated } from '../../support/replica.js'

const TIMEOUT_MS = 180_000
const PATIENCE = { timeout: 60_000, interval: 50 }
const database = parseDatabaseName('here')

describe('the watch of a replica', () => {
  let servers: ReplicatedMariadb
  let primary: MysqlServer
  let replica: MysqlServer
  beforeAll(async () => {
    servers = await startReplicated()
    const open = ({ host, port, username, password }: MariadbServer) =>
      new MysqlServer({ host, port, socket: null, username, password, connections: 2 })
    primary = open(servers.primary)
    replica = open(servers.replica)
    await primary.create(database)
  }, TIMEOUT_MS)
  afterAll(async () => {
    await Promise.all([primary.close(), replica.close()])
    await servers[Symbol.asyncDispose]()
  })
  const onReplica = (statement: string) =>
    replica.use<object, unknown>(database, ({ kysely }) => sql.raw(statement).execute(kysely))

  it('knows that the replica holds what was committed before a look that it has reached, and nothing later', async () => {
    let clock = 100
    const watch = new ReplicaWatch({ primary, replica, database }, () => clock)
    expect(watch.heldAt).toBeNull()
    await servers.caughtUp()
    await watch.look()
    expect(watch.heldAt).toBe(100)
    await servers.holdBack()
    clock = 200
    await watch.look()
    expect(watch.heldAt).toBe(200)
    await primary.create(parseDatabaseName('later'))
    clock = 300
    await watch.look()
    clock = 400
    await watch.look()
    expect(watch.heldAt).toBe(200)
    await servers.goOn()
    await servers.caughtUp()
    clock = 500
    await watch.look()
    expect(watch.heldAt).toBe(500)
    expect(await replica.has(parseDatabaseName('later'))).toBe(true)
  })

  it('takes back what it knew when the replica was set to an older state', async () => {
    const watch = new ReplicaWatch({ primary, replica, database })
    await servers.caughtUp()
    await watch.look()
    expect(watch.heldAt).not.toBeNull()
    await onReplica('STOP SLAVE')
    await onReplica("SET GLOBAL gtid_slave_pos = '0-1-1'")
    await watch.look()
    expect(watch.heldAt).toBeNull()
  })

  it('refuses a primary without a binary log, which the replica is', async () => {
    const watch = new ReplicaWatch({ primary: replica, replica: primary, database })
    await expect(watch.look()).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(watch.heldAt).toBeNull()
  })

  it('is UNAVAILABLE while one of them is away, and knows what it knew', async () => {
    const watch = new ReplicaWatch({ primary, replica, database })
    await onReplica("SET GLOBAL gtid_slave_pos = '0-1-999999'")
    await watch.look()
    const { heldAt } = watch
    await servers.replica.kill()
    await expect(watch.look()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(watch.heldAt).toBe(heldAt)
    await servers.replica.start()
    await expect.poll(() => watch.look().then(() => watch.heldAt ?? 0), PATIENCE).toBeGreaterThan(heldAt ?? 0)
  })
})
