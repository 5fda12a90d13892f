import type { Phase } from '../watch/phases.js'

/** One figure of a benchmark. */
export interface Row {
  /** The phase of the guide that the load is of; null where it is of none. */
  readonly phase: Phase | null
  readonly metric: string
  /** Null where nothing is promised. */
  readonly target: number | null
  /** Whether the target is the least that passes; without it, it is the most. */
  readonly atLeast?: true
  /** The median of all looks; for a peak, as in `peak_rss_bytes`, the greatest. Null where this system does not tell. */
  readonly measured: number | null
  readonly min: number | null
  readonly max: number | null
  /** Looks that came to a value. */
  readonly samples: number
  /** Null without a target. A figure that is not valid does not pass. */
  readonly pass: boolean | null
  /** Whether what was measured is what should have been. */
  readonly valid: boolean
  /** Why not, or why it does not pass where that is known; null when it is valid, and passes or promises nothing. */
  readonly why: string | null
}

/** Null where nothing is promised, and nothing is wrong. */
export type Verdict = 'pass' | 'fail' | 'invalid' | null

/** One measurement of a figure. */
export interface Look {
  /** Null, or not finite, where it could not be had. */
  readonly value: number | null
  /** Why it does not count; empty when it does. */
  readonly faults: readonly string[]
}

export interface Promised {
  readonly target: number
  /** Whether the target is the least that passes; else it is the most. */
  readonly atLeast: boolean
}

export interface Judging {
  /** What of all looks is the figure. */
  readonly by?: 'median' | 'greatest'
  /**
   * A figure of which no look has a value: `fails` its promise, if it has one; is `invalid`, promised or not; or is `untold`, since some systems do not tell it, and
   * then is neither.
   */
  readonly unmeasured?: 'fails' | 'invalid' | 'untold'
}

/** Whether a promise holds of which nothing was measured. */
const NEVER = { fails: false, invalid: null, untold: null } as const

/** The figure that all looks come to, and what is to be thought of it. */
export function judge(
  phase: Phase | null,
  metric: string,
  looks: readonly Look[],
  promised: Promised | null = null,
  { by = 'median', unmeasured = 'fails' }: Judging = {},
): Row {
  const known = looks.flatMap(({ value }) => (value === null || !Number.isFinite(value) ? [] : [value]))
  const [min, max] = known.length === 0 ? [null, null] : [Math.min(...known), Math.max(...known)]
  const measured = by === 'greatest' ? max : median(known)
  const faults = new Set(looks.flatMap(look => look.faults))
  // Where a fault says why, it says enough.
  const unexplained = looks.filter(({ value, faults: why }) => (value === null || !Number.isFinite(value)) && why.length === 0)
  if (measured !== null && promised !== null && unexplained.length > 0)
    faults.add(`${unexplained.length} of ${looks.length} looks came to nothing`)
  if (measured === null && unmeasured === 'fails' && promised !== null) faults.add(`${metric} could not be measured`)
  if (measured === null && unmeasured === 'invalid') faults.add('nothing was measured')
  const valid = faults.size === 0
  return {
    ...{ phase, metric, target: promised?.target ?? null },
    ...(promised?.atLeast === true ? { atLeast: true } : {}),
    ...{ measured: rounded(measured), min: rounded(min), max: rounded(max), samples: known.length },
    pass: promised === null ? null : measured === null ? NEVER[unmeasured] : valid && meets(measured, promised),
    ...{ valid, why: valid ? null : [...faults].join('; ') },
  }
}

export function verdictOf({ valid, pass }: Pick<Row, 'valid' | 'pass'>): Verdict {
  if (!valid) return 'invalid'
  return pass === null ? null : pass ? 'pass' : 'fail'
}

/** Looks that count or do not for the same reasons. */
export function looksAt(values: readonly (number | null)[], faults: readonly string[] = []): Look[] {
  return values.map(value => ({ value, faults }))
}

/** What makes a time longer than it should be does not spoil one that is short enough. */
export function unlessShort(
  value: number | null,
  limit: number | null,
  faults: readonly string[],
  doubts: readonly string[],
): Look {
  return { value, faults: limit === null || (value !== null && value <= limit) ? faults : [...faults, ...doubts] }
}

export const most = (target: number): Promised => ({ target, atLeast: false })
export const least = (target: number): Promised => ({ target, atLeast: true })

/** The middle value, or the mean of the two in the middle; null of none. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  return low === undefined || high === undefined ? null : (low + high) / 2
}

function meets(measured: number, { target, atLeast }: Promised): boolean {
  return atLeast ? measured >= target : measured <= target
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(3))
}
