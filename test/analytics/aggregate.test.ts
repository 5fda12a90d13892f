import { describe, expect, it } from 'vitest'
import { ALL_POSTS, aggregate, DAY_MS, MINUTE_MS } from '../../src/analytics/aggregate.js'
import { estimate } from '../../src/analytics/hyperloglog.js'
import { Tally } from '../../src/analytics/tally.js'
import { parseTenantId } from '../../src/tenants/ids.js'
import { batchOf, type GivenEvent } from './batches.js'

const TENANT = parseTenantId(1)
const DAY = 20_000
const at = (day: number, minute: number) => day * DAY_MS + minute * MINUTE_MS

function shown(tally: Tally, kinds: readonly string[]): Record<string, number> {
  const rows = Array.from({ length: tally.length }, (_, number) => {
    const key = `${tally.times[number]} ${tally.posts[number]} ${kinds[tally.kinds[number] as number]}`
    return [key, tally.events[number] as number] as const
  })
  return Object.fromEntries(rows)
}

describe('a tally', () => {
  it('counts every combination once, however many there are and however they come', () => {
    const tally = new Tally()
    const numbers = new Map<string, number>()
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 50_000; index++) {
        const [time, kind, post] = [29_000_000 + (index % 7), index % 3, Math.floor(index / 21) * 2 ** 33]
        const key = `${time} ${kind} ${post}`
        const number = tally.add(time, kind, post, 2)
        expect(numbers.get(key) ?? number).toBe(number)
        numbers.set(key, number)
        if (tally.find(time, kind, post) !== number) throw new Error(`${key} is not found`)
      }
    }
    expect(tally.length).toBe(numbers.size)
    expect(tally.events.subarray(0, tally.length).reduce((sum, events) => sum + events, 0)).toBe(200_000)
    expect(tally.find(1, 1, 1)).toBe(-1)
  })

  it('tells posts with large ids, and the place of all posts, from each other', () => {
    const tally = new Tally()
    const posts = [ALL_POSTS, 0, 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1]
    for (const post of posts) tally.add(5, 0, post, 1)
    expect([...tally.posts.subarray(0, tally.length)]).toEqual(posts)
  })
})

describe('aggregate', () => {
  it('adds events up per minute, post and kind, and per day', async () => {
    const first: GivenEvent[] = [
      { at: at(DAY, 0), post: 1 },
      { at: at(DAY, 0) + MINUTE_MS - 1, post: 1 },
      { at: at(DAY, 1), post: 1 },
      { at: at(DAY, 1), post: 1, kind: 'click' },
      { at: at(DAY, 1), post: 2 },
    ]
    // Their kinds have other numbers, and their times go back.
    const second: GivenEvent[] = [
      { at: at(DAY, 1), post: 1, kind: 'click' },
      { at: at(DAY + 1, 0) - 1, kind: 'share' },
      { at: at(DAY + 1, 0), kind: 'share' },
      { at: at(DAY, 1), post: 1 },
    ]
    const sums = await aggregate([batchOf(TENANT, 'a', first), batchOf(TENANT, 'b', second)])
    const minute = DAY * 1_440
    expect(shown(sums.minutes, sums.kinds)).toEqual({
      [`${minute} 1 view`]: 2,
      [`${minute + 1} 1 view`]: 2,
      [`${minute + 1} 1 click`]: 2,
      [`${minute + 1} 2 view`]: 1,
      [`${minute + 1_439} 0 share`]: 1,
      [`${minute + 1_440} 0 share`]: 1,
    })
    expect(shown(sums.days, sums.kinds)).toEqual({
      [`${DAY} 1 view`]: 4,
      [`${DAY} 1 click`]: 2,
      [`${DAY} 2 view`]: 1,
      [`${DAY} 0 share`]: 1,
      [`${DAY + 1} 0 share`]: 1,
    })
    expect(sums.events).toBe(9)
  })

  it('sketches the visitors of each post, and of all posts, by kind and day', async () => {
    const events: GivenEvent[] = [
      { at: at(DAY, 0), post: 1, visitor: 'ann' },
      { at: at(DAY, 9), post: 1, visitor: 'ann' },
      { at: at(DAY, 9), post: 1, visitor: 'bob' },
      { at: at(DAY, 9), post: 2, visitor: 'ann' },
      { at: at(DAY, 9), post: 2, visitor: 'cyd' },
      { at: at(DAY, 9), post: 2 },
      { at: at(DAY, 9), post: 2, visitor: 'ann', kind: 'click' },
      { at: at(DAY + 1, 0), post: 3 },
    ]
    const { visited, sketch, kinds } = await aggregate([batchOf(TENANT, 'a', events)])
    const visitors = Array.from({ length: visited.length }, (_, number) => {
      const [day, post, kind] = [visited.times[number], visited.posts[number], kinds[visited.kinds[number] as number]]
      return [`${day} ${post} ${kind}`, estimate(sketch(number))]
    })
    expect(Object.fromEntries(visitors)).toEqual({
      [`${DAY} 1 view`]: 2,
      [`${DAY} 2 view`]: 2,
      [`${DAY} -1 view`]: 3,
      [`${DAY} 2 click`]: 1,
      [`${DAY} -1 click`]: 1,
      [`${DAY + 1} 3 view`]: 0,
      [`${DAY + 1} -1 view`]: 0,
    })
  })

  it('of nothing is nothing', async () => {
    expect(await aggregate([])).toMatchObject({ events: 0, kinds: [], visited: { length: 0 } })
  })
})
