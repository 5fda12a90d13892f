import type { Row } from '../../src/bench/judging.js'
import type { Comparison } from '../../src/bench/results/comparison.js'
import { Failure } from '../../src/kernel/errors.js'

/**
 * @param hint what to try when a target is missed; null where misses end nothing
 * @throws {Failure} CHECK_FAILED which names the figures that missed their target or are not valid, and those that are worse than the baseline; and when none could be
 * compared with it
 */
export function refuse(rows: readonly Row[], baseline: Comparison | null, hint: string | null): void {
  const missed = hint === null ? [] : rows.filter(row => !row.valid || row.pass === false).map(row => row.metric)
  const complaints = [
    ...(missed.length > 0 ? [`not as promised: ${missed.join(', ')}`] : []),
    ...(baseline === null ? [] : complaintsOf(baseline)),
  ]
  if (complaints.length === 0) return
  throw new Failure('CHECK_FAILED', complaints.join('; '), hint === null ? {} : { hint })
}

function complaintsOf({ path, obstacles, rows }: Comparison): string[] {
  const worse = rows.filter(({ verdict }) => verdict === 'worse').map(({ metric }) => metric)
  if (worse.length > 0) return [`worse than the baseline: ${worse.join(', ')}`]
  if (rows.some(({ verdict }) => verdict !== 'not comparable')) return []
  const why = obstacles[0] ?? rows.find(row => row.why !== null)?.why ?? 'it has no figures'
  return [`nothing could be compared with ${path}: ${why}`]
}
