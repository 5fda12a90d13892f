import { feedsOf, type SyncLoad } from './load.js'
import type { Drivers } from './machine.js'

export { type Phase, phaseOf } from '../../watch/phases.js'

/** Most that a sync of a known shape may take; null where nothing is promised. */
export interface Targets {
  readonly coldS: number | null
  readonly warmS: number | null
  /** Of any one process of feedctl. */
  readonly peakRssBytes: number | null
}

interface Bar extends Targets {
  readonly tenants: number
  readonly feeds: number
  readonly distinct: number
  readonly latencyMs: number
  readonly on: 'embedded' | 'servers'
  /** Null when any number will do. */
  readonly workers: number | null
}

const PEAK_RSS_BYTES = 400_000_000
const THOUSAND_FEEDS = { tenants: 100, feeds: 1_000, distinct: 1_000, peakRssBytes: PEAK_RSS_BYTES }
const DOCUMENT = { items: 30, itemBytes: 1_500 }

/** The promises, for documents of 30 posts of 1.5 kB on a machine of two cores that also runs the feed server and the databases. */
const BARS: readonly Bar[] = [
  { ...THOUSAND_FEEDS, latencyMs: 0, on: 'embedded', workers: null, coldS: 6, warmS: 0.7 },
  { ...THOUSAND_FEEDS, latencyMs: 0, on: 'servers', workers: 2, coldS: 8, warmS: 1.5 },
  { ...THOUSAND_FEEDS, latencyMs: 200, on: 'embedded', workers: null, coldS: 8, warmS: 4.8 },
  { ...THOUSAND_FEEDS, latencyMs: 200, on: 'servers', workers: 2, coldS: 8, warmS: 4.8 },
  {
    tenants: 1_000,
    feeds: 10_000,
    distinct: 2_000,
    latencyMs: 0,
    on: 'servers',
    workers: null,
    coldS: 60,
    warmS: 10,
    peakRssBytes: PEAK_RSS_BYTES,
  },
]

export function targetsOf(load: SyncLoad, drivers: Drivers): Targets {
  const on = platformOf(drivers)
  const known = load.items === DOCUMENT.items && load.itemBytes === DOCUMENT.itemBytes
  const bar = BARS.find(
    one =>
      one.on === on &&
      one.tenants === load.tenants &&
      one.feeds === feedsOf(load) &&
      one.distinct === load.distinct &&
      one.latencyMs === load.latencyMs &&
      (one.workers ?? load.workers) === load.workers,
  )
  if (!known || bar === undefined) return { coldS: null, warmS: null, peakRssBytes: null }
  const { coldS, warmS, peakRssBytes } = bar
  return { coldS, warmS, peakRssBytes }
}

function platformOf({ db, cache, queue }: Drivers): Bar['on'] | null {
  const names = `${db} ${cache} ${queue}`
  return names === 'sqlite memory sync' ? 'embedded' : names === 'mysql redis redis' ? 'servers' : null
}
