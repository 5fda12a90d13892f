import { describe, expect, test } from 'vitest'
import { grantOf, shareOf } from '../../../src/tenants/hosts/shares.js'

describe('a share of the connections to a host', () => {
  test.each([
    ['of the only process leaves as much for one that comes', { budget: 12, processes: 1, most: 8 }, 6],
    ['is never more than the pool', { budget: 100, processes: 1, most: 8 }, 8],
    ['shrinks with the processes', { budget: 12, processes: 3, most: 8 }, 3],
    ['is one at least', { budget: 3, processes: 9, most: 8 }, 1],
  ])('%s', (_, asking, share) => {
    expect(shareOf(asking)).toBe(share)
  })

  test('is there at once for each process that comes, as long as there are connections for all', () => {
    for (let budget = 2; budget <= 40; budget++) {
      const held: number[] = []
      for (let processes = 1; processes < budget; processes++) {
        // Those that are there have come to their shares.
        held.fill(shareOf({ budget, processes: Math.max(1, processes - 1), most: 8 }))
        const others = held.reduce((sum, connections) => sum + connections, 0)
        const granted = grantOf({ budget, processes, others, most: 8 })
        expect({ budget, processes, granted }).toEqual({ budget, processes, granted: shareOf({ budget, processes, most: 8 }) })
        held.push(granted)
      }
    }
  })

  test('is what the others leave, down to none: together they never have more than the budget', () => {
    for (const [others, granted] of [
      [9, 1],
      [10, 0],
      [11, 0],
    ] as const) {
      expect(grantOf({ budget: 10, processes: 2, others, most: 8 })).toBe(granted)
    }
  })
})
