import type { RequestOutcome } from '../../src/media/disks/driver.js'
import type { Pace } from '../../src/media/pace.js'

interface Answer {
  readonly ms: number
  readonly bytes?: number
  readonly kind?: RequestOutcome['kind']
}

/** Keeps as many requests in flight as the pace allows, on a clock of its own. Answers the limit after each request. */
export function simulate(
  pace: Pace,
  { forMs, answer }: { forMs: number; answer: (inFlight: number, random: () => number, at: number) => Answer },
): { at: number; limit: number }[] {
  const random = randomFrom(7)
  const inFlight: { end: number; outcome: RequestOutcome }[] = []
  const levels: { at: number; limit: number }[] = []
  for (let now = 0; now < forMs; ) {
    while (inFlight.length < pace.limit) {
      const { ms, bytes = 20_000, kind = 'ok' } = answer(inFlight.length + 1, random, now)
      const took = ms * (0.9 + 0.2 * random())
      inFlight.push({ end: now + took, outcome: { kind, ms: took, bytes } })
    }
    inFlight.sort((a, b) => b.end - a.end)
    const ended = inFlight.pop() as (typeof inFlight)[number]
    now = ended.end
    pace.note(ended.outcome, now)
    levels.push({ at: now, limit: pace.limit })
  }
  return levels
}

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}
