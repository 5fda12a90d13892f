import { hash, randomBytes } from 'node:crypto'
import type { Burst } from './probe-answers.js'
import { md5Header } from './wasabi/headers.js'
import { verdictOf } from './wasabi/refusals.js'
import { isAnswer, type Requests } from './wasabi/requests.js'

const SMALL_BYTES = 4_096
/** Enough to tell a rate, and little enough to be removed with a few requests. */
const MOST_OBJECTS = 1_000

/** Puts small objects `<prefix><n>` for the time, so many in flight at once. */
export async function burst(
  requests: Requests,
  { prefix, inFlight, ms }: { readonly prefix: string; readonly inFlight: number; readonly ms: number },
  signal: AbortSignal,
): Promise<Burst> {
  const content = randomBytes(SMALL_BYTES)
  const headers = { 'content-type': 'application/octet-stream', 'content-md5': md5Header(hash('md5', content)) }
  const body = { content, bytes: SMALL_BYTES, sha256: hash('sha256', content) }
  let [next, stored, throttled, failed] = [0, 0, 0, 0]
  const begun = performance.now()
  const put = async () => {
    while (performance.now() - begun < ms && next < MOST_OBJECTS) {
      next += 1
      const call = { method: 'PUT', object: `${prefix}${next}`, headers, body, expect: () => true } as const
      const answer = await requests.send(call, signal).catch(() => null)
      signal.throwIfAborted()
      if (answer === null) failed += 1
      else if (isAnswer(answer)) {
        answer.resume()
        stored += 1
      } else if (verdictOf(answer) === 'throttled') throttled += 1
      else failed += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, put))
  return { inFlight, perS: (stored * 1_000) / (performance.now() - begun), throttled, failed }
}
