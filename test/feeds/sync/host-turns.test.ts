import { describe, expect, it } from 'vitest'
import { inTurns } from '../../../src/feeds/host-turns.js'

interface Visit {
  readonly host: string
  readonly number: number
}

function visits(host: string, count: number): Visit[] {
  return Array.from({ length: count }, (_, number) => ({ host, number }))
}

/** Deeds that end only when they are told to. */
class Doors {
  readonly begun: Visit[] = []
  private readonly open = new Map<Visit, { resolve: () => void; reject: (error: unknown) => void }>()

  readonly enter = (visit: Visit): Promise<void> => {
    this.begun.push(visit)
    return new Promise((resolve, reject) => this.open.set(visit, { resolve, reject }))
  }

  get inside(): Visit[] {
    return [...this.open.keys()]
  }

  async leave(visit: Visit | undefined, error?: unknown): Promise<void> {
    if (visit === undefined) throw new Error('nobody is inside')
    const door = this.open.get(visit)
    this.open.delete(visit)
    if (error === undefined) door?.resolve()
    else door?.reject(error)
    await new Promise(resolve => setImmediate(resolve))
  }
}

const hostOf = (visit: Visit) => visit.host

describe('deeds in turns', () => {
  it('never go on for more of one host than allowed, nor for more in all', async () => {
    const doors = new Doors()
    const done = inTurns(
      [...visits('slow', 10), ...visits('a', 3), ...visits('b', 3)],
      hostOf,
      { total: 4, perHost: 2 },
      doors.enter,
    )
    expect(doors.begun.map(hostOf)).toEqual(['slow', 'a', 'b', 'slow'])
    while (doors.inside.length > 0) {
      expect(doors.inside.length).toBeLessThanOrEqual(4)
      for (const host of ['slow', 'a', 'b'])
        expect(doors.inside.filter(visit => visit.host === host).length).toBeLessThanOrEqual(2)
      await doors.leave(doors.inside[0])
    }
    await done
    expect(doors.begun).toHaveLength(16)
  })

  it('reach the last feed of other hosts while all of a slow one are still waiting', async () => {
    const doors = new Doors()
    const done = inTurns([...visits('slow', 500), ...visits('quick', 500)], hostOf, { total: 64, perHost: 16 }, doors.enter)
    for (;;) {
      const quick = doors.inside.find(visit => visit.host === 'quick')
      if (quick === undefined) break
      await doors.leave(quick)
    }
    expect(doors.begun.filter(visit => visit.host === 'quick')).toHaveLength(500)
    expect(doors.begun.filter(visit => visit.host === 'slow')).toHaveLength(16)
    while (doors.inside.length > 0) await doors.leave(doors.inside[0])
    await done
  })

  it('keep the order within a host', async () => {
    const seen: number[] = []
    await inTurns(visits('one', 50), hostOf, { total: 8, perHost: 1 }, async visit => void seen.push(visit.number))
    expect(seen).toEqual(Array.from({ length: 50 }, (_, number) => number))
  })

  it('are all done before the first failure is thrown', async () => {
    const doors = new Doors()
    const done = inTurns(visits('one', 3), hostOf, { total: 3, perHost: 3 }, doors.enter)
    let ended = false
    const watched = done.then(
      () => undefined,
      (error: unknown) => {
        ended = true
        return error
      },
    )
    await doors.leave(doors.inside[0], new Error('first'))
    expect(ended).toBe(false)
    await doors.leave(doors.inside[0], new Error('second'))
    await doors.leave(doors.inside[0])
    expect(await watched).toEqual(new Error('first'))
  })

  it('are over at once when there are none', async () => {
    await inTurns([], hostOf, { total: 1, perHost: 1 }, async () => {})
  })
})
