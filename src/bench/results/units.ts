export interface Unit {
  /** Null where neither is better: what was done, not how well. */
  readonly better: 'more' | 'less' | null
  /** A smaller change is none, in the metric's own unit. */
  readonly floor: number
}

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
  return atLeast === null ? unit : { ...unit, better: atLeast ? 'more' : 'less' }
}
