import { expect, it } from 'vitest'
import { Failure } from '../../../src/kernel/errors.js'
import { Outage } from '../../../src/media/migration/outage.js'

const { signal } = new AbortController()
const PATIENCE_MS = 300_000

/** Of a bucket that is away, on a clock of its own. */
function furnish() {
  const time = { now: 0 }
  const notes: string[] = []
  const ask = async () => {
    throw new Failure('UNAVAILABLE', 'away')
  }
  const outage = new Outage({ patienceMs: PATIENCE_MS, note: line => notes.push(line), ask, clock: () => time.now })
  return { time, notes, outage }
}

/** What fails so many times, each after so long. */
function failing(time: { now: number }, times: number, ms: number) {
  let calls = 0
  return async () => {
    time.now += ms
    if (++calls <= times) throw new Failure('UNAVAILABLE', 'cut off')
    return calls
  }
}

it.concurrent('an upload of an hour survives one failure: patience begins with the failure, not with the upload', async () => {
  const { time, notes, outage } = furnish()
  expect(await outage.bridge(failing(time, 1, 3_600_000), signal)).toBe(2)
  expect(notes).toEqual([expect.stringMatching(/^the bucket cannot now/), 'the bucket answers again: going on'])
})

it.concurrent('gives up when nothing goes well for as long as the patience lasts', async () => {
  const { time, outage } = furnish()
  await expect(outage.bridge(failing(time, 9, PATIENCE_MS / 2 + 1), signal)).rejects.toThrow(
    'the bucket did not come back within',
  )
})

it.concurrent('a request that goes well meanwhile is a sign of life, and what gets on has not failed in vain', async () => {
  const { time, outage } = furnish()
  let calls = 0
  const deed = async (gotOn: () => void) => {
    time.now += PATIENCE_MS
    outage.heard()
    if (++calls > 6) return calls
    if (calls % 2 === 0) gotOn()
    throw new Failure('UNAVAILABLE', 'cut off')
  }
  expect(await outage.bridge(deed, signal)).toBe(7)
}, 20_000)

it.concurrent('what fails while others go well is its own fault after some tries', async () => {
  const { time, outage } = furnish()
  const deed = async () => {
    time.now++
    queueMicrotask(() => outage.heard())
    throw new Failure('UNAVAILABLE', 'this one only')
  }
  await expect(outage.bridge(deed, signal)).rejects.toThrow('this one only')
}, 20_000)

it.concurrent('20 refusals in a row are the bucket’s, though it answers questions in between; one file that it takes ends the row', async () => {
  const { outage } = furnish()
  const refuse = () =>
    outage
      .bridge(async () => {
        throw new Failure('BUCKET_REFUSED', 'no')
      }, signal)
      .catch((error: Error) => error.message)
  for (let count = 0; count < 19; count++) expect(await refuse()).toBe('no')
  outage.took()
  for (let count = 0; count < 19; count++) {
    await outage.bridge(async () => null, signal)
    expect(await refuse()).toBe('no')
  }
  expect(await refuse()).toMatch(/^the bucket refused 20 requests in a row: no/)
})
