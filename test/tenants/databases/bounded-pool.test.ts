import { setTimeout as pause } from 'node:timers/promises'
import type { MysqlPool, MysqlPoolConnection } from 'kysely'
import { createPool } from 'mysql2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { BoundedPool } from '../../../src/tenants/databases/bounded-pool.js'
import { sharedMariadbEnv } from '../../support/drivers.js'

const PATIENCE_MS = 50

function poolOf(connections: number): BoundedPool {
  const { DB_HOST = '', DB_PORT, DB_USERNAME = '', DB_PASSWORD = '' } = sharedMariadbEnv()
  const pool = createPool({ host: DB_HOST, port: Number(DB_PORT), user: DB_USERNAME, password: DB_PASSWORD })
  const bounded = new BoundedPool(pool, { connections, host: 'here', patienceMs: PATIENCE_MS, urgentPatienceMs: PATIENCE_MS })
  onTestFinished(() => new Promise(resolve => bounded.end(() => resolve())))
  return bounded
}

function take(pool: MysqlPool): Promise<MysqlPoolConnection> {
  return new Promise((resolve, reject) =>
    pool.getConnection((error, connection) => (error == null ? resolve(connection) : reject(error))),
  )
}

describe('a bounded pool', () => {
  it('refuses after a while whoever waits where there is no connection, and nobody who came to wait for one since', async () => {
    const pool = poolOf(1)
    const held = await take(pool)
    pool.bound(0)
    const waiting = take(pool)
    pool.bound(1)
    await pause(3 * PATIENCE_MS)
    held.release()
    const next = await waiting
    pool.bound(0)
    await expect(take(pool)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    next.release()
  })

  it('keeps the last of several for what is urgent, from the first such on', async () => {
    const pool = poolOf(3)
    ;(await take(pool.urgent)).release()
    const held = [await take(pool), await take(pool)]
    let isThird = false
    const third = take(pool).then(connection => {
      isThird = true
      return connection
    })
    const urgent = await take(pool.urgent)
    expect({ isThird, open: pool.open }).toEqual({ isThird: false, open: 3 })
    urgent.release()
    held[0]?.release()
    ;(await third).release()
    held[1]?.release()
    expect(pool.open).toBe(3)
  })

  it('serves what is urgent before those who came earlier, and beside the only one when that is busy for long', async () => {
    const pool = poolOf(1)
    const held = await take(pool)
    const order: string[] = []
    const ordinary = take(pool).then(connection => {
      order.push('ordinary')
      return connection
    })
    const urgent = await take(pool.urgent)
    order.push('urgent')
    expect(pool.open).toBe(2)
    urgent.release()
    expect(pool.open).toBe(1)
    const next = take(pool.urgent).then(connection => {
      order.push('urgent')
      return connection
    })
    held.release()
    ;(await next).release()
    ;(await ordinary).release()
    expect(order).toEqual(['urgent', 'urgent', 'ordinary'])
  })
})
