import { type Judging, judge, least, most, type Promised, type Row } from '../judging.js'
import { phaseOf } from '../sync/targets.js'
import type { EventsRound } from './http-round.js'
import { type AnalyticsLoad, TARGETS } from './load.js'

/** One repetition; null for what was not asked for, or is not there. */
export interface AnalyticsRound {
  readonly http: EventsRound | null
  readonly ndjson: EventsRound | null
  /** Rows per second of LOAD DATA on the same server. */
  readonly loadDataPerS: number | null
}

export function rowsOf(load: AnalyticsLoad, rounds: readonly AnalyticsRound[]): Row[] {
  const raw = rounds.map(({ loadDataPerS }) => loadDataPerS)
  const hasRaw = raw.some(value => value !== null)
  return [
    ...sourceRows(
      'http',
      load,
      rounds.map(({ http }) => http),
      raw,
    ),
    ...sourceRows(
      'ndjson',
      load,
      rounds.map(({ ndjson }) => ndjson),
      raw,
    ),
    ...(hasRaw
      ? [
          judge(
            phaseOf(load.tenants),
            'load_data_per_s',
            raw.map(value => ({ value, faults: [] })),
          ),
        ]
      : []),
  ]
}

function sourceRows(
  name: 'http' | 'ndjson',
  load: AnalyticsLoad,
  rounds: readonly (EventsRound | null)[],
  raw: readonly (number | null)[],
): Row[] {
  if (rounds.every(round => round === null)) return []
  const row = (
    metric: string,
    value: (one: EventsRound, round: number) => number | null,
    promised: Promised | null = null,
    by: Judging['by'] = 'median',
  ) => {
    const looks = rounds.flatMap((one, n) => (one === null ? [] : [{ value: value(one, n), faults: one.faults }]))
    return judge(phaseOf(load.tenants), `${name}_${metric}`, looks, promised, { by })
  }
  const isSustained = rounds.every(one => one === null || one.wallMs >= TARGETS.durationS * 1000)
  const promise = isSustained ? least(TARGETS.committedPerS) : null
  return [
    row('committed_per_s', one => one.committedPerS, promise),
    row('lost_events', one => one.lost, most(0)),
    row('events', one => one.events),
    row('wall_s', one => one.wallMs / 1000),
    row('accepted_per_s', one => one.acceptedPerS),
    ...(raw.some(value => value !== null) ? [row('load_data_ratio', (one, n) => ratio(one.committedPerS, raw[n]))] : []),
    ...(name === 'http'
      ? [
          row('put_off', one => one.http?.putOff ?? null),
          row('batch_p50_ms', one => one.http?.batchP50Ms ?? null),
          row('batch_p99_ms', one => one.http?.batchP99Ms ?? null),
        ]
      : []),
    row('generator_share', ({ strain }) => Math.max(strain.cpuShare, strain.loopShare)),
    row('backlog_batches', one => one.backlog.batches),
    row('backlog_bytes', one => one.backlog.bytes),
    ...partiesOf(rounds).flatMap(party => [
      row(`cpu_${party}_s`, one => accountOf(one, party)?.cpuS ?? null),
      row(`peak_rss_${party}_bytes`, one => accountOf(one, party)?.peakRssBytes ?? null, null, 'greatest'),
    ]),
  ]
}

function partiesOf(rounds: readonly (EventsRound | null)[]): string[] {
  return [...new Set(rounds.flatMap(round => round?.accounts.map(({ name }) => name) ?? []))]
}

function accountOf(round: EventsRound, party: string) {
  return round.accounts.find(({ name }) => name === party)
}

function ratio(one: number, other: number | null | undefined): number | null {
  return other === null || other === undefined ? null : one / other
}
