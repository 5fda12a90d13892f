import { expect, test } from 'vitest'
import { JobDeltas } from '../../src/watch/job-deltas.js'
import { AT, cardQueue, workerOf } from './made-up.js'

const STARTED = { startedAt: AT + 1 }

function card(pid: number, finished: number, failed = 0, facts: { startedAt: number } = STARTED) {
  return workerOf(pid, [cardQueue('sync', { finished, failed, busyMs: finished * 100 })], facts)
}

function finishedOf(deltas: JobDeltas, cards: ReturnType<typeof card>[], now = AT): number {
  return deltas.take(cards, now).get('sync')?.finished ?? 0
}

test('what was done since the last look is told, of every queue', () => {
  const deltas = new JobDeltas(AT)
  const both = (sync: number, media: number) =>
    workerOf(1, [cardQueue('sync', { finished: sync, failed: 1, busyMs: 10 }), cardQueue('media', { finished: media })], STARTED)
  expect(Object.fromEntries(deltas.take([both(3, 1)], AT))).toEqual({
    sync: { finished: 3, failed: 1, busyMs: 10 },
    media: { finished: 1, failed: 0, busyMs: 0 },
  })
  expect(Object.fromEntries(deltas.take([both(5, 1)], AT))).toEqual({
    sync: { finished: 2, failed: 0, busyMs: 0 },
    media: { finished: 0, failed: 0, busyMs: 0 },
  })
})

test('what workers did before anyone looked is not told, of those that began before', () => {
  const deltas = new JobDeltas(AT)
  expect(finishedOf(deltas, [card(1, 1_000, 0, { startedAt: AT - 1 })])).toBe(0)
  expect(finishedOf(deltas, [card(1, 1_004, 0, { startedAt: AT - 1 })])).toBe(4)
})

test('the sum does not fall when workers end, and others do not take from it', () => {
  const deltas = new JobDeltas(AT)
  const told = [
    finishedOf(deltas, [card(1, 10), card(2, 5)]),
    finishedOf(deltas, [card(2, 6)]),
    finishedOf(deltas, [card(2, 6), card(3, 2)]),
  ]
  expect(told).toEqual([15, 1, 2])
})

test('a worker that was not seen for a while is not counted twice when it is seen again', () => {
  const deltas = new JobDeltas(AT)
  finishedOf(deltas, [card(1, 10)])
  finishedOf(deltas, [], AT + 500_000)
  expect(finishedOf(deltas, [card(1, 12)], AT + 590_000)).toBe(2)
})

test('a card that is older than the one before takes nothing back, and nothing is counted twice after it', () => {
  const deltas = new JobDeltas(AT)
  expect([10, 8, 11].map(finished => finishedOf(deltas, [card(1, finished)]))).toEqual([10, 0, 1])
})
