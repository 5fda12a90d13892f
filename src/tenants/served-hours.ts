import type { Catalog } from './catalog.js'
import { insertRows } from './databases/index.js'

/** Longer than a year, so that each month can be held against the same of the year before: 13 months of 31 days. */
export const SERVED_KEPT_MS = 13 * 31 * 86_400_000
export const HOUR_MS = 3_600_000

/** What one process of the API served in one hour. */
export interface ServedHour {
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

/** What all processes served. Sums over those of an hour are upper bounds: they may have had their busiest seconds at different times. */
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

/** Writes the figures of hours, in place of those that their process wrote before. */
export async function noteServed(catalog: Catalog, hours: readonly ServedHour[]): Promise<void> {
  const rows = hours.map(({ hourAt, process, requests, peakPerS, connections }) => ({
    hour_at: hourAt,
    process,
    requests,
    peak_per_s: peakPerS,
    connections,
  }))
  await insertRows(catalog.database, 'api_hours', rows, {
    key: ['hour_at', 'process'],
    replace: ['requests', 'peak_per_s', 'connections'],
  })
}

/** Null when nothing was served since then. */
export async function readServed({ kysely }: Catalog, since: number): Promise<ServedLoad | null> {
  const rows = await kysely
    .selectFrom('api_hours')
    .where('hour_at', '>=', since)
    .select(eb => [
      'hour_at',
      eb.fn.sum<number>('requests').as('requests'),
      eb.fn.sum<number>('peak_per_s').as('peak'),
      eb.fn.sum<number>('connections').as('connections'),
    ])
    .groupBy('hour_at')
    .orderBy('hour_at')
    .execute()
  const hours = rows.map(row => ({
    at: row.hour_at,
    requests: Number(row.requests),
    peakPerS: Number(row.peak),
    connections: Number(row.connections),
  }))
  const [first] = hours
  if (first === undefined) return null
  const busiest = hours.reduce((most, hour) => (hour.peakPerS > most.peakPerS ? hour : most), first)
  const fullest = hours.reduce((most, hour) => (hour.connections > most.connections ? hour : most), first)
  return {
    peakPerS: busiest.peakPerS,
    peakAt: busiest.at,
    connections: fullest.connections,
    connectionsAt: fullest.at,
    requests: hours.reduce((sum, hour) => sum + hour.requests, 0),
    hours: hours.length,
    since: first.at,
  }
}

/** The processes that served since then, `host:pid:token` each. */
export async function servingProcesses({ kysely }: Catalog, since: number): Promise<string[]> {
  const rows = await kysely.selectFrom('api_hours').where('hour_at', '>=', since).select('process').distinct().execute()
  return rows.map(({ process }) => process)
}

export async function forgetServed({ kysely }: Catalog, before: number): Promise<void> {
  await kysely.deleteFrom('api_hours').where('hour_at', '<', before).execute()
}
