import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { parseTimetable } from '../../src/media/bandwidth.js'
import type { Source } from '../../src/media/disks/driver.js'
import { Throttle } from '../../src/media/throttle.js'

const { signal } = new AbortController()

function sourceOf(bytes: Buffer): Source {
  return { bytes: bytes.length, whole: bytes, open: (from, to) => Readable.from(chunked(bytes.subarray(from, to))) }
}

function* chunked(bytes: Buffer) {
  for (let at = 0; at < bytes.length; at += 16_384) yield bytes.subarray(at, at + 16_384)
}

it('keeps streams and small bytes together to the rate, and changes no byte', async () => {
  const throttle = new Throttle(parseTimetable('1M'))
  const bytes = Buffer.alloc(300 * 1024, 'x')
  const large = { ...sourceOf(bytes), whole: null }
  const begun = performance.now()
  const [limited, other] = await Promise.all([
    throttle.limit(large, signal, signal),
    throttle.limit(sourceOf(Buffer.alloc(99_000)), signal, signal),
  ])
  expect(limited.whole).toBeNull()
  expect(other.whole).toHaveLength(99_000)
  const read = await buffer(limited.open(1, large.bytes))
  expect(read.equals(bytes.subarray(1))).toBe(true)
  const ms = performance.now() - begun
  expect(ms).toBeGreaterThan(250)
  expect(ms).toBeLessThan(10_000)
})

it('heeds a change of the timetable while it waits', async () => {
  let now = new Date('2026-05-04T08:00:00').getTime()
  const throttle = new Throttle(parseTimetable('08:00,1k 09:00,off'), () => now)
  const waiting = Promise.all([throttle.take(1_000_000, signal), throttle.take(1, signal)])
  now += 3_600_000
  await waiting
})

it('who stops waits no longer, and holds up nobody', async () => {
  const stopping = new AbortController()
  const throttle = new Throttle(parseTimetable('1M'))
  await throttle.take(200_000, signal)
  const stopped = throttle.take(5_000_000, stopping.signal)
  const next = throttle.take(10, signal)
  stopping.abort(new Error('stopped'))
  await expect(stopped).rejects.toThrow('stopped')
  await next
})

it('passes on the error of the stream', async () => {
  const throttle = new Throttle(parseTimetable('1M'))
  const broken = new Readable({
    read() {
      this.destroy(new Error('broken'))
    },
  })
  await expect(buffer(throttle.stream(broken, signal))).rejects.toThrow('broken')
})

it('many streams at a small rate have their turns within seconds, beside what is held and waits', async () => {
  let now = 0
  const looked = () => {
    now += 1_000_000
    return now
  }
  // Time flies: nobody waits, and only the turns are seen.
  const throttle = new Throttle(parseTimetable('64k'), () => 0, looked)
  const held = throttle.take(1_000_000, signal)
  const slices: number[][] = Array.from({ length: 64 }, () => [])
  for (const sent of slices) {
    const stream = throttle.stream(Readable.from([Buffer.alloc(262_144)]), signal)
    stream.on('data', (slice: Buffer) => sent.push(slice.length))
  }
  while (slices.some(({ length }) => length < 5)) await new Promise(setImmediate)
  await held
  const turns = slices.map(({ length }) => length)
  expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(8)
  // After the first ones, which did not know of each other, a round of all is 10 s at most.
  for (const sent of slices) expect(sent[4]).toBeLessThanOrEqual((10 * 65_536) / 65)
})

it('a stream that is ended waits for nothing more, and what it did not send is not paid', async () => {
  const throttle = new Throttle(parseTimetable('1k'))
  const ended = throttle.stream(Readable.from([Buffer.alloc(1_000_000)]), signal)
  ended.on('error', () => {})
  await new Promise(resolve => ended.once('data', resolve))
  ended.destroy()
  const begun = performance.now()
  await throttle.take(1, signal)
  expect(performance.now() - begun).toBeLessThan(10_000)
})

it('what is only looked at is not kept to the rate', async () => {
  const throttle = new Throttle(parseTimetable('1k'))
  const limited = await throttle.limit({ ...sourceOf(Buffer.alloc(1_000_000)), whole: null }, signal, signal)
  expect(await buffer(limited.look?.(0, 1_000_000) as Readable)).toHaveLength(1_000_000)
})

it.each([
  ['off', 32],
  ['100M', 32],
  ['512k', 8],
  ['1k', 1],
])('at %s it sends %d large files side by side', (rate, streams) => {
  expect(new Throttle(parseTimetable(rate)).streams(32)).toBe(streams)
})
