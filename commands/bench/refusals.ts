import type { Row } from '../../src/bench/judging.js'
import type { ComparedVerdict, Comparison } from '../../src/bench/results/comparison.js'
import { Failure } from '../../src/kernel/errors.js'

/**
 * @param hint what to try when a target is missed; null where misses end nothing
 * @throws {Failure} CHECK_FAILED which names the figures that missed their target or are not valid; those that are worse than the baseline, that were valid in it and are not
 * any more, and that it has a promise of which could not be compared; and when none could be compared
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
  if (rows.every(({ verdict }) => verdict === 'not comparable')) {
    const why = obstacles[0] ?? rows.find(row => row.why !== null)?.why ?? 'it has no figures'
    return [`nothing could be compared with ${path}: ${why}`]
  }
  const named = (verdict: ComparedVerdict) => rows.filter(row => row.verdict === verdict).map(({ metric }) => metric)
  const unknown = rows.filter(row => row.promised && row.verdict === 'not comparable')
  return [
    ...complaint('worse than the baseline', named('worse')),
    ...complaint('no longer valid', named('no longer valid')),
    ...complaint(
      'promised, and not comparable',
      unknown.map(({ metric, why }) => `${metric} (${why})`),
    ),
  ]
}

function complaint(what: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [`${what}: ${names.join(', ')}`]
}
