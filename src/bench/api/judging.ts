import { median, type Row } from '../sync/rows.js'
import type { Phase } from '../sync/targets.js'

/** One measurement of a figure; null where it could not be had. */
export interface Look {
  readonly value: number | null
  /** Why it does not count; empty when it does. */
  readonly faults: readonly string[]
}

export interface Promised {
  readonly target: number
  /** Whether the target is the least that passes; else it is the most. */
  readonly atLeast: boolean
}

/** The median of all looks, and what is to be thought of it. */
export function judge(phase: Phase | null, metric: string, looks: readonly Look[], promised: Promised | null = null): Row {
  const known = looks.flatMap(({ value }) => (value === null || !Number.isFinite(value) ? [] : [value]))
  const measured = rounded(median(known))
  const faults = new Set(looks.flatMap(look => look.faults))
  if (measured === null && promised !== null) faults.add(`${metric} could not be measured`)
  const valid = faults.size === 0
  const figure = {
    ...{ phase, metric, target: promised?.target ?? null, measured },
    min: known.length === 0 ? null : rounded(Math.min(...known)),
    max: known.length === 0 ? null : rounded(Math.max(...known)),
    pass: promised === null ? null : valid && measured !== null && meets(measured, promised),
    ...{ valid, why: valid ? null : [...faults].join('; ') },
  }
  return promised?.atLeast === true ? { ...figure, atLeast: true } : figure
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

function meets(measured: number, { target, atLeast }: Promised): boolean {
  return atLeast ? measured >= target : measured <= target
}

function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toFixed(3))
}
