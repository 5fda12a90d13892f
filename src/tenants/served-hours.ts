import { machineNameOf } from '../kernel/holder.js'
import { mostAtOnce, type Span } from './at-once.js'
import type { Catalog } from './catalog.js'
import { type CatalogSchema, insertRows } from './databases/index.js'

/** Longer than a year, so that each month can be held against the same of the year before: 13 months of 31 days. */
export const SERVED_KEPT_MS = 13 * 31 * 86_400_000
export const HOUR_MS = 3_600_000

/** What one process of the API served in one hour; `Span` from when to when. */
export interface ServedHour extends Span {
  /** When the hour began, epoch ms. */
  readonly hourAt: number
  /** `host:pid:token` */
  readonly process: string
  readonly requests: number
  /** Requests of its busiest second. */
  readonly peakPerS: number
  /** Most connections that were open at once. */
  readonly connections: number
}

/** What all processes served. Sums are of those that served at the same time, and upper bounds: they may have had their busiest seconds at different times. */
export interface ServedLoad {
  /** Of the hour in which the sum was highest, and when it began, epoch ms. */
  readonly peakPerS: number
  readonly peakAt: number
  readonly connections: number
  readonly connectionsAt: number
  readonly requests: number
  /** Hours in which anything was served. */
  readonly hours: number
  /** When the first of them began, epoch ms. */
  readonly since: number
}

/** One hour's rows added up, as if all had been at the same time. */
interface HourSum {
  readonly at: number
  readonly requests: number
  readonly peakPerS: number
  readonly connections: number
}

/**
 * Adds to what processes served: requests are added, of all else the greater counts, so that an hour may be written in any number of parts.
 * @throws {Failure} UNAVAILABLE, on SQLite after a second of waiting for another process
 */
export async function addServed({ server, name }: Catalog, hours: readonly ServedHour[]): Promise<void> {
  const rows = hours.map(({ hourAt, process, requests, peakPerS, connections, firstAt, lastAt }) => ({
    ...{ hour_at: hourAt, process, requests, peak_per_s: peakPerS, connections },
    ...{ first_at: firstAt, last_at: lastAt },
  }))
  await insertRows(await server.hold<CatalogSchema>(name, { isAside: true }), 'api_hours', rows, {
    key: ['hour_at', 'process'],
    add: ['requests'],
    least: ['first_at'],
    greatest: ['peak_per_s', 'connections', 'last_at'],
  })
}

/** Null when nothing was served between then and now. Hours of a clock that was ahead do not count. */
export async function readServed(catalog: Catalog, since: number, now: number): Promise<ServedLoad | null> {
  const hours = await sumsOf(catalog, since, now)
  const [first] = hours
  if (first === undefined) return null
  const busiest = await highest(catalog, hours, 'peakPerS')
  const fullest = await highest(catalog, hours, 'connections')
  return {
    ...{ peakPerS: busiest.value, peakAt: busiest.at, connections: fullest.value, connectionsAt: fullest.at },
    requests: hours.reduce((sum, hour) => sum + hour.requests, 0),
    hours: hours.length,
    since: first.at,
  }
}

/** The most machines whose processes served at the same time, since then. */
export async function machinesAtOnce(catalog: Catalog, since: number, now: number): Promise<number> {
  const rows = await rowsOf(catalog).where('hour_at', '>=', since).where('hour_at', '<=', latest(now)).execute()
  const byHour = new Map<number, ServedHour[]>()
  for (const row of rows) byHour.set(row.hourAt, [...(byHour.get(row.hourAt) ?? []), row])
  const machines = (together: readonly ServedHour[]) => new Set(together.map(({ process }) => machineNameOf(process))).size
  return Math.max(0, ...[...byHour.values()].map(hour => mostAtOnce(hour, machines)))
}

export async function forgetServed({ kysely }: Catalog, before: number): Promise<void> {
  await kysely.deleteFrom('api_hours').where('hour_at', '<', before).execute()
}

async function sumsOf({ kysely }: Catalog, since: number, now: number): Promise<HourSum[]> {
  const rows = await kysely
    .selectFrom('api_hours')
    .where('hour_at', '>=', since)
    .where('hour_at', '<=', latest(now))
    .select(eb => [
      'hour_at as at',
      eb.fn.sum<number>('requests').as('requests'),
      eb.fn.sum<number>('peak_per_s').as('peak'),
      eb.fn.sum<number>('connections').as('connections'),
    ])
    .groupBy('hour_at')
    .orderBy('hour_at')
    .execute()
  return rows.map(({ at, requests, peak, connections }) => ({
    ...{ at, requests: Number(requests), peakPerS: Number(peak), connections: Number(connections) },
  }))
}

/** Looks into an hour only while it may be the highest: no hour has more at once than in all. */
async function highest(catalog: Catalog, hours: readonly HourSum[], of: 'peakPerS' | 'connections') {
  let best = { value: -1, at: 0 }
  for (const hour of hours.toSorted((one, other) => other[of] - one[of])) {
    if (hour[of] <= best.value) break
    const rows = await rowsOf(catalog).where('hour_at', '=', hour.at).execute()
    const value = mostAtOnce(rows, together => together.reduce((sum, row) => sum + row[of], 0))
    if (value > best.value) best = { value, at: hour.at }
  }
  return best
}

function rowsOf({ kysely }: Catalog) {
  return kysely
    .selectFrom('api_hours')
    .select([
      ...(['hour_at as hourAt', 'process', 'requests', 'peak_per_s as peakPerS', 'connections'] as const),
      ...(['first_at as firstAt', 'last_at as lastAt'] as const),
    ])
}

/** Clocks of other machines may be a little ahead. */
function latest(now: number): number {
  return now + HOUR_MS
}
