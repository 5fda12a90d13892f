import { describe, expect, it } from 'vitest'
import {
  decodeSketch,
  encodeSketch,
  entryOf,
  estimate,
  mergeSketches,
  type Sketch,
  sketchOf,
  VISITORS_ERROR_PERCENT,
} from '../../src/analytics/hyperloglog.js'

/** Splitmix32: the same numbers at every run. */
function numbersOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return (mixed ^ (mixed >>> 15)) >>> 0
  }
}

function entriesOf(seed: number, count: number): Uint32Array {
  const [high, low] = [numbersOf(seed), numbersOf(seed + 0x1234567)]
  return Uint32Array.from({ length: count }, () => entryOf(high(), low()))
}

const sketch = (seed: number, count: number): Sketch => sketchOf(entriesOf(seed, count))

describe('a sketch of visitors', () => {
  it('puts the first 26 bits of a hash before the place of the first 1 in the other 38', () => {
    expect(entryOf(0xffffffff, 0)).toBe(0xffffffc1)
    expect(entryOf(0b100000, 0)).toBe(1)
    expect(entryOf(1, 0)).toBe(6)
    expect(entryOf(0, 0x80000000)).toBe(7)
    expect(entryOf(0, 1)).toBe(38)
    expect(entryOf(0x40, 0)).toBe(0x40 | 39)
  })

  it('counts up to some hundred visitors exactly', () => {
    for (const count of [0, 1, 2, 10, 100, 500, 768]) expect(estimate(sketch(7, count))).toBe(count)
  })

  it.each([
    1_000, 3_000, 5_000, 12_000, 30_000, 100_000, 1_000_000,
  ])('estimates %i visitors within three standard errors, and without a bias', count => {
    const seeds = count === 1_000_000 ? [1, 2] : Array.from({ length: 20 }, (_, seed) => seed + 1)
    const errors = seeds.map(seed => (estimate(sketch(seed, count)) / count - 1) * 100)
    for (const error of errors) expect(Math.abs(error)).toBeLessThan(3 * VISITORS_ERROR_PERCENT)
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length
    expect(Math.abs(mean)).toBeLessThan((3 * VISITORS_ERROR_PERCENT) / Math.sqrt(errors.length))
  })

  it.each([
    ['few and few', 100, 200],
    ['few that become many', 500, 500],
    ['few and many', 50, 5_000],
    ['many and few', 5_000, 50],
    ['many and many', 5_000, 9_000],
    ['none and few', 0, 9],
    ['few and none', 9, 0],
  ])('merged of %s is the sketch of all of them', (_name, first, second) => {
    const [a, b] = [entriesOf(1, first), entriesOf(2, second)]
    const all = Uint32Array.from([...a, ...b])
    const merged = mergeSketches(sketchOf(a), sketchOf(b))
    expect(merged).toEqual(sketchOf(all))
    expect(mergeSketches(sketchOf(b), sketchOf(a))).toEqual(merged)
  })

  it.each([3, 700, 800, 20_000])('of %i visitors stays as it is when they come again', count => {
    const before = sketch(3, count)
    for (const again of [sketch(3, count), sketch(3, 3), sketchOf(Uint32Array.of())])
      expect(mergeSketches(before, again)).toBe(before)
    const [one, other] = [entriesOf(3, count), entriesOf(3, count)]
    expect(sketchOf(Uint32Array.from([...one, ...other]))).toEqual(before)
  })

  it('keeps the highest rank of a prefix, whichever comes first', () => {
    const [low, high] = [entryOf(0x40, 0x80000000), entryOf(0x40, 1)]
    expect([...(sketchOf(Uint32Array.of(high, low, high)) as Uint32Array)]).toEqual([high])
    expect([...mergeSketches(Uint32Array.of(low), Uint32Array.of(high))]).toEqual([high])
    expect([...mergeSketches(Uint32Array.of(high), Uint32Array.of(low))]).toEqual([high])
  })

  it('tells the last possible entry from the end of a list', () => {
    const last = entryOf(0xffffffff, 0xffffffff)
    expect([...mergeSketches(Uint32Array.of(1), Uint32Array.of(last))]).toEqual([1, last])
    expect([...mergeSketches(Uint32Array.of(last), Uint32Array.of(1))]).toEqual([1, last])
  })

  it.each([0, 1, 768, 769, 100_000])('of %i visitors is stored in at most 3,073 bytes, and comes back', count => {
    const stored = sketch(9, count)
    const bytes = encodeSketch(stored)
    expect(bytes.length).toBeLessThanOrEqual(3_073)
    // As a driver may give it: a part of a larger buffer.
    const within = Buffer.concat([Buffer.of(0), bytes, Buffer.of(0)]).subarray(1, 1 + bytes.length)
    expect(decodeSketch(within)).toEqual(stored)
  })

  it('stores every rank there is', () => {
    const registers = Uint8Array.from({ length: 4_096 }, (_, index) => index % 54)
    expect(decodeSketch(encodeSketch(registers))).toEqual(registers)
  })

  it('is refused when a later feedctl wrote it, or it was cut', () => {
    expect(() => decodeSketch(Uint8Array.of(9, 1, 2, 3, 4))).toThrow('not a sketch: 5 bytes of form 9')
    expect(() => decodeSketch(Uint8Array.of(1, 1, 2, 3))).toThrow('not a sketch')
    expect(() => decodeSketch(encodeSketch(sketch(1, 5_000)).subarray(0, 100))).toThrow('not a sketch')
    expect(() => decodeSketch(Uint8Array.of())).toThrow('not a sketch')
  })
})
