import { differencesOf } from './differences.js'
import type { StoredBench, StoredRow } from './stored.js'
import { type Unit, unitOf } from './units.js'

/** Fewer looks than this are no spread. */
export const LEAST_SAMPLES = 3

/**
 * `unclear`: it changed by more than it may, and varies by more than that. `no longer valid`: the baseline has a valid figure of which more or less is better, and
 * now it is not valid, or there is none.
 */
export type ComparedVerdict = 'better' | 'same' | 'unclear' | 'worse' | 'no longer valid' | 'not comparable'

export interface ComparedRow {
  readonly metric: string
  readonly phase: string | null
  /** Null where it is not there. */
  readonly before: number | null
  readonly after: number | null
  /** After, of before. */
  readonly ratio: number | null
  readonly verdict: ComparedVerdict
  /** Why it is unclear, no longer valid or not comparable; else null. */
  readonly why: string | null
  /** Whether the baseline has a valid figure of it, with a target. */
  readonly promised: boolean
}

/** A result beside an earlier one of the same scenario. */
export interface Comparison {
  /** Where the earlier one is. */
  readonly path: string
  /** When it was measured; null where it does not tell. */
  readonly at: string | null
  /** Percent that a figure may change and still is the same. */
  readonly worseBy: number
  /** Why none of it can be compared; empty when it can. */
  readonly obstacles: readonly string[]
  /** What else is different. */
  readonly notes: readonly string[]
  readonly rows: readonly ComparedRow[]
}

export interface Baseline {
  readonly path: string
  readonly result: StoredBench
}

/**
 * What became better or worse: the larger is more than so many percent above the smaller, by more than the unit's floor, of three looks or more on both sides, and
 * so that the worst of one side is better than the best of the other.
 */
export function compare(now: StoredBench, { path, result: before }: Baseline, worseBy: number): Comparison {
  const { obstacles, notes } = differencesOf(before, now)
  const blocked = obstacles.length > 0 ? obstacles.join('; ') : null
  const rows = now.rows.map(row => {
    const earlier = before.rows.find(one => isSame(one, row))
    return comparedRow(earlier, row, worseBy, blocked)
  })
  const gone = before.rows.filter(row => !now.rows.some(one => isSame(one, row)))
  return {
    ...{ path, at: before.at ?? null, worseBy, obstacles, notes },
    rows: [...rows, ...gone.map(row => comparedRow(row, undefined, worseBy, blocked))],
  }
}

function comparedRow(
  before: StoredRow | undefined,
  after: StoredRow | undefined,
  worseBy: number,
  blocked: string | null,
): ComparedRow {
  const { metric, phase } = (after ?? before) as StoredRow
  const figures = { metric, phase, before: before?.measured ?? null, after: after?.measured ?? null }
  const ratio = figures.before === null || figures.after === null || figures.before === 0 ? null : figures.after / figures.before
  const promised = before !== undefined && before.target !== null && faultOf(before, '') === null
  const told = { ...figures, ratio: ratio === null ? null : Number(ratio.toFixed(3)), promised }
  if (blocked !== null) return { ...told, verdict: 'not comparable', why: blocked }
  if (before === undefined) return { ...told, verdict: 'not comparable', why: 'the baseline has no such figure' }
  const lost = after === undefined ? 'it was not measured now' : faultOf(after, 'now')
  const fault = faultOf(before, 'in the baseline')
  if (after === undefined || lost !== null || fault !== null) {
    const isLost = fault === null && directionOf(before) !== null
    return { ...told, verdict: isLost ? 'no longer valid' : 'not comparable', why: fault ?? lost }
  }
  const why = tooFew(before, 'in the baseline') ?? tooFew(after, 'now')
  return why === null ? { ...told, ...changeOf(before, after, worseBy) } : { ...told, verdict: 'not comparable', why }
}

function faultOf({ measured, valid, why }: StoredRow, when: string): string | null {
  if (!valid) return `not valid ${when}: ${why}`
  return measured === null ? `not measured ${when}` : null
}

/** Why its spread is not known. */
function tooFew({ samples }: StoredRow, when: string): string | null {
  if (samples === undefined) return `how often it was measured is not told ${when}`
  return samples < LEAST_SAMPLES
    ? `measured ${samples === 1 ? 'once' : 'twice'} ${when}, and it takes ${LEAST_SAMPLES} looks to know a spread`
    : null
}

/** Of two rows that are fit. */
function changeOf(before: StoredRow, after: StoredRow, worseBy: number): Pick<ComparedRow, 'verdict' | 'why'> {
  const { floor } = unitOf(after.metric, null)
  const better = directionOf(after)
  if (better === null) return { verdict: 'not comparable', why: 'neither more nor less of it is better' }
  const [was, is] = [before.measured as number, after.measured as number]
  if (Math.abs(is - was) <= floor || isWithin(was, is, worseBy)) return { verdict: 'same', why: null }
  if (overlap(before, after))
    return { verdict: 'unclear', why: `its spreads overlap: ${spreadOf(before)} before, ${spreadOf(after)} now` }
  return { verdict: is > was === (better === 'more') ? 'better' : 'worse', why: null }
}

function directionOf({ metric, target, at_least: atLeast }: StoredRow): Unit['better'] {
  return unitOf(metric, target === null ? null : atLeast === true).better
}

/** Whether neither is more than so many percent above the other; nothing is so of nothing, or of what has another sign. */
function isWithin(one: number, other: number, percent: number): boolean {
  const [small, large] = [Math.min(Math.abs(one), Math.abs(other)), Math.max(Math.abs(one), Math.abs(other))]
  return one === other || (one * other > 0 && large / small <= 1 + percent / 100)
}

function overlap(one: StoredRow, other: StoredRow): boolean {
  const [least, most] = [
    (row: StoredRow) => row.min ?? Number.NEGATIVE_INFINITY,
    (row: StoredRow) => row.max ?? Number.POSITIVE_INFINITY,
  ]
  return least(one) <= most(other) && least(other) <= most(one)
}

function spreadOf({ min, max }: StoredRow): string {
  return `${min} to ${max}`
}

function isSame(one: StoredRow, other: StoredRow): boolean {
  return one.metric === other.metric && one.phase === other.phase
}
