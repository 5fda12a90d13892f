import { afterEach, expect, it } from 'vitest'
import { parseTimetable, rateAt, rateWords, refill, spend, waitOf } from '../../src/media/bandwidth.js'

const KIB = 1024
const MIB = 1024 * KIB
const zone = process.env.TZ
afterEach(() => {
  if (zone === undefined) delete process.env.TZ
  else process.env.TZ = zone
})

it.each([
  ['10M', 10 * MIB],
  ['512k', 512 * KIB],
  ['1.5m', 1.5 * MIB],
  ['2G', 2048 * MIB],
  ['4096B', 4096],
  ['off', null],
  ['OFF', null],
])('%s is a rate', (text, bytesPerS) => {
  expect(parseTimetable(text)).toEqual([{ fromMinute: 0, bytesPerS }])
})

it('a timetable is put into the order of the day', () => {
  expect(parseTimetable(' 23:00,off  8:00,512k 19:30,10M ')).toEqual([
    { fromMinute: 480, bytesPerS: 512 * KIB },
    { fromMinute: 1170, bytesPerS: 10 * MIB },
    { fromMinute: 1380, bytesPerS: null },
  ])
})

it.each([
  '',
  '10',
  '10 M',
  'fast',
  '0',
  '0k',
  '100B',
  '-5M',
  '10T',
  '24:00,1M',
  '12:60,1M',
  '12,1M',
  '08:00,1M,2M',
  '08:00,1M 09:00',
  '08:00,1M 8:00,2M',
  '08:00 ,1M',
])('%j is refused with what would be right', text => {
  expect(() => parseTimetable(text)).toThrow(
    expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('--bwlimit') }),
  )
})

it.each([
  ['07:59', null],
  ['08:00', 512 * KIB],
  ['18:59', 512 * KIB],
  ['19:00', 10 * MIB],
  ['22:59', 10 * MIB],
  ['23:00', null],
  ['00:00', null],
])('at %s o’clock the entry before it counts, after midnight the last', (time, bytesPerS) => {
  const timetable = parseTimetable('08:00,512k 19:00,10M 23:00,off')
  expect(rateAt(timetable, new Date(`2026-05-04T${time}:00`).getTime())).toBe(bytesPerS)
})

it.each([
  ['before summer time begins', '2026-03-29T00:59:00Z', 1 * MIB],
  ['when 02:00 to 03:00 is jumped over, with an entry in it', '2026-03-29T01:00:00Z', 2 * MIB],
  ['the first 02:40 when summer time ends', '2026-10-25T00:40:00Z', 2 * MIB],
  ['02:10 once more', '2026-10-25T01:10:00Z', 1 * MIB],
  ['02:40 once more', '2026-10-25T01:40:00Z', 2 * MIB],
])('the clock on the wall counts: %s', (_what, now, bytesPerS) => {
  process.env.TZ = 'Europe/Berlin'
  expect(rateAt(parseTimetable('00:00,1M 02:30,2M'), Date.parse(now))).toBe(bytesPerS)
})

it('a bucket lets through its rate, with a short burst after a pause', () => {
  let bucket = { debtBytes: 0, at: 0 }
  let now = 0
  let sent = 0
  while (now < 60_000) {
    bucket = refill(bucket, 100_000, now)
    const wait = waitOf(bucket, 100_000)
    if (wait > 0) now += Math.ceil(wait)
    else {
      bucket = spend(bucket, 30_000)
      sent += 30_000
    }
  }
  expect(sent).toBeGreaterThanOrEqual(5_900_000)
  expect(sent).toBeLessThanOrEqual(6_060_000)
  expect(refill(bucket, 100_000, now + 3_600_000).debtBytes).toBe(-25_000)
})

it('a debt is forgotten where there is no limit any more', () => {
  const bucket = spend({ debtBytes: 0, at: 0 }, 1e9)
  expect(waitOf(bucket, 1024)).toBeGreaterThan(1e8)
  expect(waitOf(bucket, null)).toBe(0)
  expect(refill(bucket, null, 5)).toEqual({ debtBytes: 0, at: 5 })
})

it.each([
  [null, 'off'],
  [512 * KIB, '512.0 KiB/s'],
  [1.5 * MIB, '1.5 MiB/s'],
])('%s is said as %s', (bytesPerS, words) => {
  expect(rateWords(bytesPerS)).toBe(words)
})
