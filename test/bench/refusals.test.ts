import { expect, it, test } from 'vitest'
import { refuse } from '../../commands/bench/refusals.js'
import type { ComparedRow, ComparedVerdict, Comparison } from '../../src/bench/results/comparison.js'
import { isFailure } from '../../src/kernel/errors.js'

const HINT = 'another run'

const compared = (metric: string, verdict: ComparedVerdict, changes: Partial<ComparedRow> = {}): ComparedRow => ({
  ...{ metric, phase: 'mvp', before: 1, after: 1, ratio: 1, verdict, why: null, promised: false },
  ...changes,
})

const comparison = (rows: readonly ComparedRow[], obstacles: readonly string[] = []): Comparison => ({
  ...{ path: 'b.json', at: null, worseBy: 10, obstacles, notes: [], rows },
})

function refusal(...parts: Parameters<typeof refuse>): string | null {
  try {
    refuse(...parts)
    return null
  } catch (error) {
    if (!isFailure(error, 'CHECK_FAILED')) throw error
    return error.message
  }
}

const SAME = compared('a_ms', 'same')
const ONCE = 'measured once now'

test.each<[string, readonly ComparedRow[], string | null]>([
  ['all the same', [SAME, compared('b_ms', 'better')], null],
  ['something unclear', [SAME, compared('b_ms', 'unclear', { promised: true })], null],
  ['something worse', [SAME, compared('b_ms', 'worse')], 'worse than the baseline: b_ms'],
  ['something not valid any more', [SAME, compared('b_ms', 'no longer valid')], 'no longer valid: b_ms'],
  [
    'both',
    [compared('c_s', 'no longer valid'), compared('b_ms', 'worse')],
    'worse than the baseline: b_ms; no longer valid: c_s',
  ],
  ['nothing but what is not valid any more', [compared('b_ms', 'no longer valid')], 'no longer valid: b_ms'],
  ['something that cannot be compared', [SAME, compared('b_ms', 'not comparable', { why: ONCE })], null],
  [
    'a promise that cannot be compared',
    [SAME, compared('b_ms', 'not comparable', { why: ONCE, promised: true })],
    'promised, and not comparable: b_ms (measured once now)',
  ],
  [
    'nothing that can be compared',
    [compared('b_ms', 'not comparable', { why: ONCE })],
    'nothing could be compared with b.json: measured once now',
  ],
  ['nothing', [], 'nothing could be compared with b.json: it has no figures'],
])('beside a baseline, %s is refused as told', (_what, rows, words) => {
  expect(refusal([], comparison(rows), null)).toBe(words)
})

it('says only why when nothing could be compared', () => {
  const rows = [compared('b_ms', 'not comparable', { why: 'another machine', promised: true })]
  expect(refusal([], comparison(rows, ['another machine']), null)).toBe('nothing could be compared with b.json: another machine')
})

it('names what was missed beside what became worse, and is silent about misses where nobody asked', () => {
  const missed = {
    phase: null,
    metric: 'm_ms',
    target: 1,
    measured: 2,
    min: 2,
    max: 2,
    samples: 3,
    pass: false,
    valid: true,
    why: null,
  }
  const worse = comparison([compared('b_ms', 'worse')])
  expect(refusal([missed], worse, HINT)).toBe('not as promised: m_ms; worse than the baseline: b_ms')
  expect(refusal([missed], worse, null)).toBe('worse than the baseline: b_ms')
  expect(refusal([missed], null, null)).toBeNull()
})
