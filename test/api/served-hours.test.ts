import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ServedHours } from '../../src/api/served-hours.js'
import { Log } from '../../src/kernel/log.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { parseDatabaseName } from '../../src/tenants/ids.js'
import { removeDueTenants } from '../../src/tenants/remove-due.js'
import { addServed, HOUR_MS, machinesAtOnce, readServed, SERVED_KEPT_MS } from '../../src/tenants/served-hours.js'
import type { TestEnv } from '../support/drivers.js'
import { describeDatabases, openInstallation, removing } from '../tenants/installation.js'
import { ApiGround } from './ground.js'

const NEVER_MS = 3_600_000

/** One process's count, whose clocks and counts the test turns. */
function counting(catalog: Catalog, lines: string[] = [], closeWithinMs = 60_000) {
  const at = { requests: 0, connections: 0, now: 10 * HOUR_MS, steady: 0 }
  const counts = { requests: () => at.requests, connections: () => at.connections }
  const times = { now: () => at.now, steady: () => at.steady, lookEveryMs: NEVER_MS, writeEveryMs: NEVER_MS, closeWithinMs }
  const served = new ServedHours(counts, catalog, new Log(line => lines.push(line), 'debug'), times)
  const look = (requests: number, connections: number, seconds = 1) => {
    at.requests += requests
    at.connections = connections
    at.steady += seconds * 1000
    at.now += seconds * 1000
    served.look()
  }
  return { at, served, look }
}

function rowsOf(catalog: Catalog) {
  const rows = catalog.kysely.selectFrom('api_hours').select(['hour_at', 'requests', 'peak_per_s', 'connections'])
  return rows.orderBy('hour_at').execute()
}

/** As another process has it: SQLite's write lock, MySQL's of the table. */
async function whileLocked(env: TestEnv, deed: () => Promise<void>): Promise<void> {
  const { catalog } = await openInstallation(env)
  const { database, kysely } = catalog
  if (database.dialect === 'sqlite') return kysely.transaction().execute(deed)
  await kysely.connection().execute(async connection => {
    await sql`lock tables ${sql.raw(database.qualify('api_hours'))} write`.execute(connection)
    await deed()
    await sql`unlock tables`.execute(connection)
  })
}

describeDatabases('what the API serves', env => {
  it('is kept by the hour: all requests, the busiest second, the most connections at once', async () => {
    const { catalog } = await openInstallation(env)
    const { at, served, look } = counting(catalog)
    look(40, 3)
    look(100, 7)
    await served.write()
    look(10, 2)
    // A look that comes late has seen several seconds.
    look(300, 5, 4)
    await served.write()
    at.now = 11 * HOUR_MS
    look(1, 1)
    await served.close()
    expect(await rowsOf(catalog)).toEqual([
      { hour_at: 10 * HOUR_MS, requests: 450, peak_per_s: 100, connections: 7 },
      { hour_at: 11 * HOUR_MS, requests: 1, peak_per_s: 1, connections: 1 },
    ])
    await catalog.kysely.deleteFrom('api_hours').execute()
  })

  it('is not written while nobody asks anything', async () => {
    const { catalog } = await openInstallation(env)
    const { served, look } = counting(catalog)
    look(0, 0)
    await served.close()
    expect(await rowsOf(catalog)).toEqual([])
  })

  it('is written later when it cannot be written', async () => {
    const { catalog } = await openInstallation(env)
    const lines: string[] = []
    const lost = { ...catalog, name: parseDatabaseName('feedctl_nowhere') }
    const { at, served, look } = counting(lost, lines)
    look(5, 1)
    await served.write()
    at.now = 12 * HOUR_MS
    look(6, 2)
    await served.write()
    expect(lines.join()).toContain('not yet written')
    Object.assign(lost, { name: catalog.name })
    await served.close()
    expect((await rowsOf(catalog)).map(({ requests }) => requests)).toEqual([5, 6])
    await catalog.kysely.deleteFrom('api_hours').execute()
  })

  it('is neither lost nor counted twice when the clock is set back and forward again', async () => {
    const { catalog } = await openInstallation(env)
    const { at, served, look } = counting(catalog)
    const serveIn = async (hour: number, requests: number, connections: number) => {
      at.now = hour * HOUR_MS
      look(requests, connections)
      await served.write()
    }
    await serveIn(20, 500, 9)
    await serveIn(8, 3, 1)
    for (const hour of [9, 10, 11, 12, 13, 14]) await serveIn(hour, 1, 1)
    await serveIn(20, 2, 1)
    await served.close()
    const [first, ...rest] = (await rowsOf(catalog)).toReversed()
    expect(first).toEqual({ hour_at: 20 * HOUR_MS, requests: 502, peak_per_s: 500, connections: 9 })
    expect(rest.map(({ requests }) => requests)).toEqual([1, 1, 1, 1, 1, 1, 3])
    // Of a clock that was ahead nothing is said.
    expect((await readServed(catalog, 0, 15 * HOUR_MS))?.peakPerS).toBe(3)
    await catalog.kysely.deleteFrom('api_hours').execute()
  })

  it('keeps nobody waiting while another has the database, and is given up when the API ends meanwhile', async () => {
    const { catalog } = await openInstallation(env)
    const { served, look } = counting(catalog, [], 50)
    await whileLocked(env, async () => {
      look(5, 1)
      let ended = false
      void served.write().then(() => {
        ended = true
      })
      await setImmediate()
      await catalog.kysely.selectFrom('tenants').select('id').execute()
      expect(ended).toBe(false)
      await served.close()
    })
    await served.write()
    expect((await rowsOf(catalog)).map(({ requests }) => requests)).toEqual([5])
    await catalog.kysely.deleteFrom('api_hours').execute()
  })

  it('is added up over the processes that served at the same time, and not over restarts', async () => {
    const { catalog } = await openInstallation(env)
    const row = (
      hour: number,
      process: string,
      minutes: readonly [number, number],
      requests: number,
      peakPerS: number,
      connections: number,
    ) => {
      const [hourAt, at] = [hour * HOUR_MS, (minute: number) => hour * HOUR_MS + minute * 60_000]
      return { hourAt, process, requests, peakPerS, connections, firstAt: at(minutes[0]), lastAt: at(minutes[1]) }
    }
    await addServed(catalog, [
      row(1, 'a:1:x', [0, 59], 10, 900, 900),
      row(5, 'a:1:x', [0, 30], 10, 5, 1),
      row(5, 'b:1:y', [20, 59], 20, 6, 1),
      row(6, 'a+1:1:x', [0, 10], 10, 10, 9),
      row(6, 'a+2:2:x', [11, 20], 10, 10, 9),
      row(6, 'a+3:3:x', [21, 59], 10, 10, 9),
    ])
    expect(await readServed(catalog, 2 * HOUR_MS, 6 * HOUR_MS)).toEqual({
      ...{ peakPerS: 11, peakAt: 5 * HOUR_MS, connections: 9, connectionsAt: 6 * HOUR_MS },
      ...{ requests: 60, hours: 2, since: 5 * HOUR_MS },
    })
    expect(await machinesAtOnce(catalog, 5 * HOUR_MS, 6 * HOUR_MS)).toBe(2)
    expect(await machinesAtOnce(catalog, 6 * HOUR_MS, 6 * HOUR_MS)).toBe(1)
    expect(await machinesAtOnce(catalog, 7 * HOUR_MS, 8 * HOUR_MS)).toBe(0)
    expect(await readServed(catalog, 7 * HOUR_MS, 8 * HOUR_MS)).toBeNull()
    await catalog.kysely.deleteFrom('api_hours').execute()
  })

  it('is forgotten after 13 months, by the job that removes what is due', async () => {
    const { catalog } = await openInstallation(env)
    const hour = (ago: number) => Math.floor((Date.now() - ago) / HOUR_MS) * HOUR_MS
    const figures = { process: 'a:1:x', requests: 1, peakPerS: 1, connections: 1, firstAt: 0, lastAt: 0 }
    await addServed(catalog, [
      { hourAt: hour(SERVED_KEPT_MS + 2 * HOUR_MS), ...figures },
      { hourAt: hour(SERVED_KEPT_MS - 2 * HOUR_MS), ...figures },
    ])
    await removeDueTenants(catalog, new Log(() => {}), { ...removing(), signal: new AbortController().signal, receiptDays: 0 })
    expect(await rowsOf(catalog)).toHaveLength(1)
  })
})

describe('an API that ends', () => {
  it('leaves in the catalog what it served, the requests that no route answered included', async () => {
    await using ground = await ApiGround.create()
    const { catalog } = ground.app
    await ground.ask('/healthz')
    await ground.ask('/nowhere')
    await ground.api.stop(1_000)
    const served = await readServed(catalog, 0, Date.now())
    expect(served?.requests).toBe(2)
    expect(served?.peakPerS).toBeGreaterThanOrEqual(1)
  })
})
