import { expect, it } from 'vitest'
import { FairTurns } from '../../src/media/fair.js'

const MIB = 1024 * 1024

/** Takes files in turn, until `turns`; answers the bytes that each tenant sent, and how often the size of a file was asked for. */
function serve(queues: Readonly<Record<string, number[]>>, turns: number) {
  const fair = new FairTurns<string>()
  for (const tenant of Object.keys(queues)) fair.add(tenant)
  const order: string[] = []
  const bytes: Record<string, number> = {}
  let looks = 0
  while (order.length < turns) {
    const tenant = fair.next(name => {
      looks++
      return queues[name]?.[0] ?? null
    })
    if (tenant === null) break
    order.push(tenant)
    bytes[tenant] = (bytes[tenant] ?? 0) + (queues[tenant]?.shift() ?? 0)
  }
  return { order, bytes, left: fair.size, looks }
}

const files = (count: number, bytes: number) => Array.from({ length: count }, () => bytes)

it.each([
  { what: 'equal files', a: MIB, b: MIB },
  { what: 'small beside large ones', a: 20_000, b: 50 * MIB },
  { what: 'large beside small ones', a: 7.5 * MIB, b: 300_000 },
])('gives two tenants equal bytes: $what', ({ a, b }) => {
  const count = (bytes: number) => Math.ceil((400 * MIB) / bytes)
  const { bytes } = serve({ a: files(count(a) * 2, a), b: files(count(b) * 2, b) }, count(a) + count(b))
  expect(Math.abs((bytes.a ?? 0) - (bytes.b ?? 0))).toBeLessThanOrEqual(Math.max(a, b) + MIB)
})

it('a tenant with one file waits for a round, not for the million files of another', () => {
  const { order } = serve({ big: files(10_000, 100_000), small: [5_000] }, 100)
  expect(order.indexOf('small')).toBeLessThan(15)
})

it('an empty file costs as much as a small one', () => {
  const { order } = serve({ empty: files(1000, 0), other: files(1000, 16_384) }, 400)
  const empty = order.filter(tenant => tenant === 'empty').length
  expect(Math.abs(empty - 200)).toBeLessThanOrEqual(64)
})

it('takes a file of terabytes without a million rounds, and every file in the end', () => {
  const { order, left, looks } = serve({ a: [4 * 1024 ** 4], b: [4 * 1024 ** 4, 1] }, 10)
  expect(order.toSorted()).toEqual(['a', 'b', 'b'])
  expect(left).toBe(0)
  expect(looks).toBeLessThan(20)
})

it('who has nothing now leaves the round and comes back when added', () => {
  const fair = new FairTurns<string>()
  expect(fair.next(() => 1)).toBeNull()
  fair.add('a')
  expect(fair.next(() => null)).toBeNull()
  expect(fair.size).toBe(0)
  fair.add('a')
  fair.add('a')
  expect(fair.size).toBe(1)
  expect(fair.next(() => 1)).toBe('a')
})
