export interface Unit {
  /** Null where neither is better: what was done, not how well. */
  readonly better: 'more' | 'less' | null
  /** A smaller change is none, in the metric's own unit. */
  readonly floor: number
}

/**
 * What is measured beside feedctl, to read its figures by: another program, bare statements, generators and servers, feedctl without what is to be shown, and the
 * old way of doing it.
 */
const BESIDE =
  /(^|_)(rclone|bare|generator|database|redis)_|^load_data_per_s$|^(lazy_statements|statements_uncached|latency_uncached_p50_ms|events_single_per_s)$|^sync_(serial|by_tenant)_/
/** Of events that are sent as fast as they are accepted: more of it may be more work done. */
const WITH_THE_WORK = /^(http|ndjson)_(wall_s|cpu_\w+_s|backlog_\w+)$/

/** By how a metric's name ends, the first that fits; a promise on a metric says itself what is better. */
const UNITS: readonly (readonly [RegExp, Unit])[] = [
  [/_per_s(_cold|_warm)?$/, { better: 'more', floor: 1 }],
  [/(^|_)share$/, { better: null, floor: 0.02 }],
  // Of what another takes for the same work.
  [/^(wait_\w+|small_wall|small_cpu|large_wall|large_cpu)_ratio$/, { better: 'less', floor: 0.02 }],
  [/_ratio$/, { better: 'more', floor: 0.02 }],
  [/saved_percent$/, { better: 'more', floor: 1 }],
  [/_percent$/, { better: null, floor: 1 }],
  [/connection_bytes$/, { better: 'less', floor: 512 }],
  [/_bytes$/, { better: 'less', floor: 5_000_000 }],
  [/_us$/, { better: 'less', floor: 2 }],
  [/_ms$/, { better: 'less', floor: 1 }],
  [/_minutes$/, { better: 'less', floor: 0.05 }],
  [/_s$/, { better: 'less', floor: 0.1 }],
  [/statements(_cached|_uncached)?$/, { better: 'less', floor: 0.02 }],
  [/_knee_processes$/, { better: 'more', floor: 0.5 }],
  [/(^|_)(lost|lost_events|put_off)$/, { better: 'less', floor: 0 }],
]

const UNKNOWN: Unit = { better: null, floor: 0 }

/** What is better of a metric, and which change is too small to be one. @param atLeast whether its target is the least that passes; null without one */
export function unitOf(metric: string, atLeast: boolean | null): Unit {
  const unit = UNITS.find(([ending]) => ending.test(metric))?.[1] ?? UNKNOWN
  if (atLeast === null && (BESIDE.test(metric) || WITH_THE_WORK.test(metric))) return { ...unit, better: null }
  return atLeast === null ? unit : { ...unit, better: atLeast ? 'more' : 'less' }
}
