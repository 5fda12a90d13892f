import { describe, expect, it } from 'vitest'
import { Batcher } from '../../src/kernel/batcher.js'

/** A batcher whose calls end when they are told to. */
function heldBatcher(maxSize: number) {
  const calls: { entries: readonly number[]; end: () => void; fail: (error: Error) => void }[] = []
  let begun: () => void = () => {}
  let next = new Promise<void>(resolve => {
    begun = resolve
  })
  const batcher = new Batcher<number, number>({
    maxSize,
    lingerMs: 1,
    run: entries =>
      new Promise((resolve, reject) => {
        calls.push({ entries, end: () => resolve(entries.map(entry => entry * 10)), fail: reject })
        begun()
        next = new Promise(again => {
          begun = again
        })
      }),
  })
  const call = async (index: number) => {
    while (calls.length <= index) await next
    return calls[index] ?? expect.fail('no such call')
  }
  return { batcher, calls, call }
}

describe('a batcher', () => {
  it('gathers what arrives together and answers each with its own', async () => {
    const { batcher, call } = heldBatcher(10)
    const answers = Promise.all([1, 2, 3].map(entry => batcher.add(entry)))
    const first = await call(0)
    expect(first.entries).toEqual([1, 2, 3])
    first.end()
    expect(await answers).toEqual([10, 20, 30])
  })

  it('starts at once when it is full, and makes one call at a time', async () => {
    const { batcher, calls, call } = heldBatcher(2)
    const answers = Promise.all([1, 2, 3, 4, 5].map(entry => batcher.add(entry)))
    expect(calls.map(made => made.entries)).toEqual([[1, 2]])
    calls[0]?.end()
    const second = await call(1)
    expect(second.entries).toEqual([3, 4])
    expect(calls).toHaveLength(2)
    second.end()
    const third = await call(2)
    expect(third.entries).toEqual([5])
    third.end()
    expect(await answers).toEqual([10, 20, 30, 40, 50])
  })

  it('fails the entries of a failed call and no others', async () => {
    const { batcher, calls, call } = heldBatcher(2)
    const answers = Promise.allSettled([1, 2, 3].map(entry => batcher.add(entry)))
    calls[0]?.fail(new Error('down'))
    ;(await call(1)).end()
    expect(await answers).toEqual([
      { status: 'rejected', reason: new Error('down') },
      { status: 'rejected', reason: new Error('down') },
      { status: 'fulfilled', value: 30 },
    ])
  })

  it('goes on after a failure, for those who come later', async () => {
    const { batcher, call } = heldBatcher(1)
    const lost = batcher.add(1).catch(error => error)
    ;(await call(0)).fail(new Error('down'))
    expect(await lost).toEqual(new Error('down'))
    const later = batcher.add(2)
    ;(await call(1)).end()
    expect(await later).toBe(20)
  })
})
