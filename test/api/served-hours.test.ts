import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ServedHours } from '../../src/api/served-hours.js'
import { Log } from '../../src/kernel/log.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { removeDueTenants } from '../../src/tenants/remove-due.js'
import { HOUR_MS, noteServed, readServed, SERVED_KEPT_MS, servingProcesses } from '../../src/tenants/served-hours.js'
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

describeDatabases('what the API serves', (env, kind) => {
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
    const lost = { ...catalog, database: { ...catalog.database, qualify: () => 'nowhere' } } as Catalog
    const { at, served, look } = counting(lost, lines)
    look(5, 1)
    await served.write()
    at.now = 12 * HOUR_MS
    look(6, 2)
    await served.write()
    expect(lines.join()).toContain('not yet written')
    Object.assign(lost, { database: catalog.database })
    await served.close()
    expect((await rowsOf(catalog)).map(({ requests }) => requests)).toEqual([5, 6])
    await catalog.kysely.deleteFrom('api_hours').execute()
  })

  it.runIf(kind === 'mysql')('is given up when the database does not take it, so that the API can end', async () => {
    const { catalog } = await openInstallation(env)
    const table = sql.raw(catalog.database.qualify('api_hours'))
    await catalog.kysely.connection().execute(async other => {
      await sql`lock tables ${table} write`.execute(other)
      const { served, look } = counting(catalog, [], 50)
      look(5, 1)
      await served.close()
      await sql`unlock tables`.execute(other)
      // What was on its way arrives, since the database is not away after all.
      await served.write()
    })
    expect(await rowsOf(catalog)).toHaveLength(1)
    await catalog.kysely.deleteFrom('api_hours').execute()
  })

  it('is added up over the processes of an hour', async () => {
    const { catalog } = await openInstallation(env)
    const row = (hour: number, process: string, requests: number, peakPerS: number, connections: number) =>
      noteServed(catalog, [{ hourAt: hour * HOUR_MS, process, requests, peakPerS, connections }])
    await row(1, 'a:1:x', 10, 900, 900)
    await row(5, 'a:1:x', 10, 5, 1)
    await row(5, 'b:1:y', 20, 6, 1)
    await row(6, 'a:1:x', 30, 10, 9)
    expect(await readServed(catalog, 2 * HOUR_MS)).toEqual({
      ...{ peakPerS: 11, peakAt: 5 * HOUR_MS, connections: 9, connectionsAt: 6 * HOUR_MS },
      ...{ requests: 60, hours: 2, since: 5 * HOUR_MS },
    })
    expect((await servingProcesses(catalog, 5 * HOUR_MS)).sort()).toEqual(['a:1:x', 'b:1:y'])
    expect(await readServed(catalog, 7 * HOUR_MS)).toBeNull()
    await catalog.kysely.deleteFrom('api_hours').execute()
  })

  it('is forgotten after 13 months, by the job that removes what is due', async () => {
    const { catalog } = await openInstallation(env)
    const hour = (ago: number) => Math.floor((Date.now() - ago) / HOUR_MS) * HOUR_MS
    const figures = { process: 'a:1:x', requests: 1, peakPerS: 1, connections: 1 }
    await noteServed(catalog, [
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
    const served = await readServed(catalog, 0)
    expect(served?.requests).toBe(2)
    expect(served?.peakPerS).toBeGreaterThanOrEqual(1)
  })
})
