import { describe, expect, it } from 'vitest'
import { Admission } from '../../../src/feeds/fetch/admission.js'
import type { Entrance } from '../../../src/feeds/fetch/host-budget.js'
import { calm } from './fetchers.js'

const NEVER_MS = 2 ** 30
const passage = { leaseMs: 1_000, room: async () => {} }

/** One place for each host; without it, `full` says whether a request that ends may help. */
function onePlace(full: boolean) {
  const inside = new Set<string>()
  let asked = 0
  return {
    get asked() {
      return asked
    },
    quietMs: () => 0,
    async enter(host: string): Promise<Entrance> {
      asked++
      if (inside.has(host)) return { kind: 'early', full, retryInMs: NEVER_MS }
      inside.add(host)
      return { kind: 'entered', leave: () => void inside.delete(host) }
    },
  }
}

const turns = () => new Promise(resolve => setImmediate(resolve))

describe('who waits for a place of a host', () => {
  it('gets it as soon as a request of this process to the host is over, one after the other', async () => {
    const admission = new Admission({ concurrency: 9, perHost: 9 }, onePlace(true))
    const order: number[] = []
    const deeds = [1, 2, 3, 4].map(async n => {
      const admitted = await admission.admit('a.example', passage, calm)
      order.push(n)
      await turns()
      if (admitted.kind === 'entered') admitted.leave()
    })
    await Promise.all(deeds)
    expect(order).toEqual([1, 2, 3, 4])
  })

  it('is not woken by the requests to another host, nor when it is only too early', async () => {
    const stop = new AbortController()
    for (const full of [true, false]) {
      const budget = onePlace(full)
      const admission = new Admission({ concurrency: 9, perHost: 9 }, budget)
      const [mine, other] = await Promise.all(['a.example', 'b.example'].map(host => admission.admit(host, passage, calm)))
      const waiting = admission.admit('a.example', passage, stop.signal).catch(() => 'stopped')
      await turns()
      const before = budget.asked
      if (other?.kind === 'entered') other.leave()
      if (!full && mine?.kind === 'entered') mine.leave()
      await turns()
      expect(budget.asked, `full: ${full}`).toBe(before)
      void waiting
    }
    stop.abort(new Error('enough'))
  })
})
