import { describe, expect, it, test } from 'vitest'
import type { EventBatch, EventColumns } from '../../src/analytics/event-batch.js'
import { decodeBatch, encodeBatch } from '../../src/analytics/log/codec.js'
import { payloadsIn, recordOf } from '../../src/analytics/log/records.js'
import { batchesIn, entryOf } from '../../src/analytics/log/stream-entries.js'
import { parseTenantId } from '../../src/tenants/ids.js'
import { batchOf } from './log-contract.js'

const LARGE = Number.MAX_SAFE_INTEGER

function batch(own: Partial<EventColumns> & { length: number }, tenant = 1): EventBatch {
  const { length } = own
  const words = () => new Uint32Array(length)
  const numbers = () => new Float64Array(length)
  const columns = {
    kinds: ['view'],
    kind: new Uint16Array(length),
    post: numbers(),
    at: numbers(),
    visitorHigh: words(),
    visitorLow: words(),
    extras: null,
  }
  return { tenantId: parseTenantId(tenant), id: 'x', acceptedAt: 1_800_000_000_000, events: { ...columns, ...own } }
}

describe('an encoded batch', () => {
  test.each<[string, EventBatch]>([
    ['many events', batchOf('a-b.c_d:1', 1_000, 50_000)],
    ['one event', batch({ length: 1 })],
    ['the largest ids there are', batch({ length: 3, post: Float64Array.of(LARGE, 0, LARGE) }, LARGE)],
    ['large differences of ids', batch({ length: 4, post: Float64Array.of(2 ** 51 - 1, 1, 2 ** 51 - 1, 0) })],
    ['times in no order, before 1970 and far ahead', batch({ length: 3, at: Float64Array.of(-5, 4e15, 1_800_000_000_001) })],
    [
      'visitors with one word only',
      batch({ length: 2, visitorHigh: Uint32Array.of(0, 0), visitorLow: Uint32Array.of(0, 0xffffffff) }),
    ],
    [
      'a thousand kinds',
      batch({ length: 2, kinds: Array.from({ length: 1000 }, (_, n) => `k${n}`), kind: Uint16Array.of(999, 500) }),
    ],
    ['what else events say', batch({ length: 3, extras: [null, '{"ä":"€😀"}', `{"x":"${'y'.repeat(1000)}"}`] })],
  ])('has %s again when it is decoded', (_what, given) => {
    expect(decodeBatch(encodeBatch(given))).toEqual(given)
  })

  it('takes some 14 bytes for an event of a page that is looked at', () => {
    const length = 1_000
    const own = { length, kinds: ['view', 'click'], post: new Float64Array(length), at: new Float64Array(length) }
    const given = batch({
      ...own,
      visitorHigh: new Uint32Array(length).fill(0xabcdef12),
      visitorLow: new Uint32Array(length).fill(3),
    })
    for (let index = 0; index < length; index++) {
      given.events.post[index] = 1 + ((index * 7919) % 5_000)
      given.events.at[index] = given.acceptedAt - ((index * 104_729) % 10_000)
    }
    expect(encodeBatch(given).length / length).toBeLessThan(14.5)
  })

  it('is refused wherever it is cut, and when something follows', () => {
    const bytes = encodeBatch(batchOf('cut', 20))
    for (let length = 0; length < bytes.length; length++) expect(() => decodeBatch(bytes.subarray(0, length))).toThrow(RangeError)
    expect(() => decodeBatch(Buffer.concat([bytes, Buffer.from([0])]))).toThrow('goes on')
  })

  it('says that another feedctl wrote it', () => {
    const bytes = encodeBatch(batchOf('later'))
    bytes[0] = 2
    expect(() => decodeBatch(bytes)).toThrow('it was written by another feedctl (version 2)')
  })

  it('never makes much of nonsense', () => {
    for (let round = 0; round < 3_000; round++) {
      const bytes = Buffer.from(encodeBatch(batchOf('nonsense', 5)))
      for (let change = 0; change < 3; change++)
        bytes[(round * 31 + change * 17) % bytes.length] = (round * 7 + change * 101) % 256
      try {
        expect(decodeBatch(bytes).events.length).toBeLessThanOrEqual(1_000_000)
      } catch (error) {
        expect(error instanceof RangeError || error instanceof TypeError).toBe(true)
      }
    }
  })
})

describe('a file of records', () => {
  const records = ['one', 'two', 'three'].map(text => recordOf(Buffer.from(text)))
  const file = Buffer.concat(records)
  const texts = (bytes: Buffer) => payloadsIn(bytes).map(String)

  it('is read up to the last record that is whole', () => {
    expect(texts(file)).toEqual(['one', 'two', 'three'])
    expect(texts(Buffer.alloc(0))).toEqual([])
    const ends = [0, 11, 22, 35]
    for (let length = 0; length <= file.length; length++) {
      expect(texts(file.subarray(0, length))).toHaveLength(ends.filter(end => end > 0 && end <= length).length)
    }
  })

  it('is read up to the first record that is damaged, or was never written', () => {
    const damaged = Buffer.from(file)
    damaged[20] = (damaged[20] ?? 0) ^ 1
    expect(texts(damaged)).toEqual(['one'])
    expect(texts(Buffer.concat([file, Buffer.alloc(64)]))).toEqual(['one', 'two', 'three'])
  })
})

describe('an entry of a stream', () => {
  it('has its batches again', () => {
    const batches = [batchOf('a', 3, 1, 5), batchOf('b', 300, 2, 6), batchOf('c', 1, 3, 7)]
    expect(batchesIn(entryOf(batches.map(encodeBatch)))).toEqual(batches)
    expect(() => batchesIn(Buffer.from([200, 200, 200, 1]))).toThrow(RangeError)
  })
})
