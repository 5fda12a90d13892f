import { expect, test } from 'vitest'
import { Kept } from '../../src/watch/kept.js'

function counted(atLeastMs: number, timesItsCost?: number) {
  const state = { now: 0, reads: 0 }
  const kept = new Kept(
    async () => ++state.reads,
    atLeastMs,
    () => state.now,
    timesItsCost,
  )
  return { state, kept }
}

test('a value is read again when its time is over, and not before', async () => {
  const { state, kept } = counted(1_000, 0)
  expect([await kept.get(), await kept.get()]).toEqual([1, 1])
  state.now = 999
  expect(await kept.get()).toBe(1)
  state.now = 1_000
  expect(await kept.get()).toBe(2)
})

test('a value from before the clock was set back is read again', async () => {
  const { state, kept } = counted(1_000, 0)
  state.now = 7_200_000
  expect(await kept.get()).toBe(1)
  state.now = 500
  expect([await kept.get(), await kept.get()]).toEqual([2, 2])
  state.now = 1_500
  expect(await kept.get()).toBe(3)
})

test('many who want it at the same time share one read', async () => {
  const { kept } = counted(0)
  expect(await Promise.all([kept.get(), kept.get(), kept.get()])).toEqual([1, 1, 1])
})

test('a read that took long is kept the longer', async () => {
  const state = { now: 0, reads: 0 }
  const slow = async () => {
    await new Promise(resolve => setTimeout(resolve, 50))
    return ++state.reads
  }
  const kept = new Kept(slow, 0, () => state.now)
  await kept.get()
  state.now = 900
  expect(await kept.get()).toBe(1)
  state.now = 600_000
  expect(await kept.get()).toBe(2)
})

test('a failure is told to all who wait for it, and not kept', async () => {
  let reads = 0
  const read = async () => {
    if (++reads === 1) throw new Error('away')
    return reads
  }
  const kept = new Kept(read, 1_000, () => 0)
  const both = await Promise.allSettled([kept.get(), kept.get()])
  expect(both.map(one => one.status)).toEqual(['rejected', 'rejected'])
  expect(await kept.get()).toBe(2)
})
