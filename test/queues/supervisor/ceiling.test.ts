import { describe, expect, test } from 'vitest'
import { ceilingOf, type Limits } from '../../../src/queues/supervisor/ceiling.js'

const GIGABYTE = 1024 ** 3
const LIMITS: Limits = {
  min: 1,
  max: 8,
  targetWaitMs: 30_000,
  memory: { all: 16 * GIGABYTE, perWorker: GIGABYTE / 4 },
  connections: null,
}

describe('the ceiling', () => {
  test.each<[name: string, limits: Partial<Limits>, workers: number, cut: RegExp | null]>([
    ['is max when the budgets allow it', {}, 8, null],
    [
      'is what memory allows',
      { memory: { all: GIGABYTE, perWorker: GIGABYTE / 4 } },
      4,
      /^memory for 4: 1024 MB in all, 256 MB each/,
    ],
    [
      'is what connections allow',
      { connections: { all: 50, perWorker: 8 } },
      6,
      /^database connections for 6: 50 in all, 8 each/,
    ],
    [
      'names the scarcer of two budgets',
      { memory: { all: GIGABYTE, perWorker: GIGABYTE / 4 }, connections: { all: 16, perWorker: 8 } },
      2,
      /^database connections for 2/,
    ],
    [
      'is never below min, and says that the budget is',
      { min: 3, connections: { all: 8, perWorker: 8 } },
      3,
      /for 1: .*below --min 3, which is kept/,
    ],
    ['bears a worker that takes nothing yet', { memory: { all: GIGABYTE, perWorker: 0 } }, 8, null],
  ])('%s', (_name, limits, workers, cut) => {
    const ceiling = ceilingOf({ ...LIMITS, ...limits })
    expect(ceiling.workers).toBe(workers)
    if (cut === null) expect(ceiling.cut).toBeNull()
    else expect(ceiling.cut).toMatch(cut)
  })
})
