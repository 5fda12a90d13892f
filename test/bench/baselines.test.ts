import { describe, expect, it, test } from 'vitest'
import { isSound, obstaclesBefore } from '../../src/bench/results/baselines.js'
import type { StoredBench, StoredRow } from '../../src/bench/results/stored.js'

const row = (changes: Partial<StoredRow> = {}): StoredRow => ({
  ...{
    phase: 'mvp',
    metric: 'p99_ms',
    target: null,
    measured: 1,
    min: 1,
    max: 1,
    samples: 3,
    pass: null,
    valid: true,
    why: null,
  },
  ...changes,
})
const machine = {
  ...{ cpus: 2, cpu_model: 'Xeon', memory_bytes: 25_300_000_000, node: '20.20.2', os: 'Linux 6' },
  drivers: { db: 'sqlite', cache: 'memory', queue: 'sync' },
}
const result = (rows: readonly StoredRow[], changes: Partial<StoredBench> = {}): StoredBench => ({
  ...{ scenario: 'sync', machine, settings: { tenants: 100, workers: 0, repeat: 3 }, rows: [...rows], model: null },
  ...changes,
})

describe('before a run is known that nothing can be compared', () => {
  test.each<[string, StoredBench, Record<string, unknown>, string[]]>([
    ['never of the same', result([row()]), { tenants: 100, repeat: 9 }, []],
    ['with another number of tenants', result([row()]), { tenants: 5 }, ['tenants was 100, and is 5']],
    ['but not of what only one has, and not of workers', result([row()]), { distinct: 5, workers: 2 }, []],
    [
      'on other drivers',
      result([row()], { machine: { ...machine, drivers: { ...machine.drivers, db: 'mysql' } } }),
      {},
      ['on other drivers: mysql, cache memory, queue sync before, sqlite, cache memory, queue sync now'],
    ],
    ['with figures of two looks', result([row({ samples: 2 })]), {}, ['it has no valid figure of 3 looks']],
    ['with figures that are not valid', result([row({ valid: false })]), {}, ['it has no valid figure of 3 looks']],
  ])('%s', (_what, before, settings, words) => {
    expect(obstaclesBefore(before, { machine, settings })).toEqual(words)
  })
})

it.each<[string, StoredBench, boolean]>([
  ['of three looks', result([row(), row({ samples: 1 })]), true],
  ['of which a promise is valid', result([row({ target: 1, pass: false })]), true],
  ['of which a promise is not valid', result([row(), row({ target: 1, valid: false })]), false],
  ['of which a promise was looked at once', result([row(), row({ target: 1, samples: 1 })]), false],
  ['of which nothing was looked at three times', result([row({ samples: 1 })]), false],
  ['that became better', result([row()], { baseline: { rows: [{ verdict: 'better' }] } }), true],
  ['that became worse', result([row()], { baseline: { rows: [{ verdict: 'worse' }] } }), false],
  ['that lost a figure', result([row()], { baseline: { rows: [{ verdict: 'no longer valid' }] } }), false],
])('a result %s is the measure of later ones: %#', (_what, stored, sound) => {
  expect(isSound(stored)).toBe(sound)
})
