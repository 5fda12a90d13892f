import { expect, it } from 'vitest'
import { costOf, TB, timeEstimate } from '../../src/media/cost.js'

const PRICES = { wasabiUsdPerTb: 6.99, wasabiMinTb: 1, wasabiMinDays: 90 }
const NONE = { files: 0, bytes: 0 }

it.each([
  { what: 'nothing', stored: { files: 0, bytes: 0, small: NONE }, billed: 0, monthly: 6.99, isMinimum: true },
  { what: '1 TB', stored: { files: 10, bytes: TB, small: NONE }, billed: TB, monthly: 6.99, isMinimum: false },
  { what: '2.5 TB', stored: { files: 10, bytes: 2.5 * TB, small: NONE }, billed: 2.5 * TB, monthly: 17.475, isMinimum: false },
  {
    what: 'a million files of 100 bytes',
    stored: { files: 1e6, bytes: 1e8, small: { files: 1e6, bytes: 1e8 } },
    billed: 4096e6,
    monthly: 6.99,
    isMinimum: true,
  },
  {
    what: '2^29 empty files: they are billed as 2 TB',
    stored: { files: 2 ** 29, bytes: 0, small: { files: 2 ** 29, bytes: 0 } },
    billed: 2 * TB,
    monthly: 13.98,
    isMinimum: false,
  },
])('$what is billed as $billed bytes', ({ stored, billed, monthly, isMinimum }) => {
  const cost = costOf(stored, PRICES)
  expect(cost).toMatchObject({ billedBytes: billed, paddedBytes: billed - stored.bytes, isMinimum })
  expect(cost.monthlyUsd).toBeCloseTo(monthly, 6)
  expect(cost.exposureUsd).toBeCloseTo(monthly * 3, 6)
})

it('prices are as they are set', () => {
  const cost = costOf({ files: 1, bytes: TB / 2, small: NONE }, { wasabiUsdPerTb: 8, wasabiMinTb: 0, wasabiMinDays: 30 })
  expect(cost).toMatchObject({ monthlyUsd: 4, exposureUsd: 4, isMinimum: false })
})

/** As if each request took 50 ms, and a MB 20 ms. */
const probed = (requests: number, bytes: number) => ({
  requests,
  bytes: requests * bytes,
  busyMs: requests * (50 + bytes / 50_000),
})

it.each([
  { what: 'small files', files: 1000, bytes: 2e7, concurrency: 10, bytesPerS: null, seconds: 5 + 0.04 },
  { what: 'large files', files: 10, bytes: 1e9, concurrency: 2, bytesPerS: null, seconds: 0.25 + 10 },
  { what: 'large files at a limit', files: 10, bytes: 1e9, concurrency: 2, bytesPerS: 1e7, seconds: 100 },
])('the time of $what follows from a probe of both sizes', ({ files, bytes, concurrency, bytesPerS, seconds }) => {
  const ms = timeEstimate({ files, bytes }, { small: probed(20, 20_000), large: probed(3, 5e6) }, { concurrency, bytesPerS })
  expect(ms).toBeCloseTo(seconds * 1000, 3)
})

it('with one size only, all of the time is the bytes’; with no request, there is no estimate', () => {
  const unlimited = { concurrency: 1, bytesPerS: null }
  expect(timeEstimate({ files: 10, bytes: 200_000 }, { small: probed(5, 20_000), large: null }, unlimited)).toBeCloseTo(504, 6)
  expect(
    timeEstimate({ files: 10, bytes: 1 }, { small: { requests: 0, bytes: 0, busyMs: 0 }, large: null }, unlimited),
  ).toBeNull()
})
