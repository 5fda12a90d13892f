import { expect, test } from 'vitest'
import type { QueueCounts } from '../../../src/queues/index.js'
import { QueueTimes } from '../../../src/queues/supervisor/job-times.js'
import { loadsOf } from '../../../src/queues/supervisor/loads.js'
import { memoryForWorkers, WorkerMemory, YOUNG_WORKER_BYTES } from '../../../src/queues/supervisor/machine.js'
import { cardOf } from './cards.js'

const COUNTS: QueueCounts = { name: 'sync', waiting: 3, active: 6, delayed: 0, failed: 0, paused: false, oldestWaitMs: 40_000 }

function load(counts: Partial<QueueCounts>, others = [cardOf()], canary = false) {
  const parts = { queues: ['sync' as const], own: [cardOf()], slots: 5, times: new QueueTimes(), wallNow: 0 }
  return loadsOf({ ...parts, others, counts: [{ ...COUNTS, ...counts }], canaryWaits: () => canary })[0]
}

test('the slots of workers that others run count, as far as these consume the queue', () => {
  const others = [cardOf(), cardOf({ state: 'paused' }), cardOf({}, { name: 'media' }), cardOf({}, { slots: 3 })]
  expect(load({}, others)).toMatchObject({ slots: 5, elsewhere: 8, active: 6 })
})

test('a canary is no load, and what waits behind it is', () => {
  expect(load({ waiting: 1 }, [], true)).toMatchObject({ waiting: 0, oldestWaitMs: 0 })
  expect(load({ waiting: 2 }, [], true)).toMatchObject({ waiting: 1, oldestWaitMs: 40_000 })
  expect(load({ waiting: 1 }, [], false)).toMatchObject({ waiting: 1, oldestWaitMs: 40_000 })
})

test('memory is what is set, or three quarters of the machine', () => {
  expect(memoryForWorkers(512)).toBe(512 * 1024 * 1024)
  expect(memoryForWorkers(null, 8_000)).toBe(6_000)
  expect(memoryForWorkers(null)).toBeGreaterThan(64 * 1024 * 1024)
})

test('a worker takes what workers came to of late, however young those are that there are now', () => {
  const memory = new WorkerMemory()
  const cards = (...bytes: number[]) => bytes.map(rssBytes => cardOf({ rssBytes }))
  const [small, large] = [YOUNG_WORKER_BYTES / 2, YOUNG_WORKER_BYTES * 3]
  expect(memory.look(0, [])).toBe(YOUNG_WORKER_BYTES)
  expect(memory.look(1_000, cards(small))).toBe(YOUNG_WORKER_BYTES)
  expect(memory.look(2_000, cards(large, 3 * large))).toBe(2 * large)
  expect(memory.look(3_000, cards(large, 3 * large, small, small))).toBeGreaterThan(1.99 * large)
  expect(memory.look(600_000, cards(small))).toBeGreaterThan(1.5 * large)
  expect(memory.look(40_000_000, cards(small))).toBe(YOUNG_WORKER_BYTES)
})
