import { describe, expect, test } from 'vitest'
import { checkLoad, dealSources, type SyncLoad } from '../../src/bench/sync/load.js'
import type { Drivers } from '../../src/bench/sync/machine.js'
import { phaseOf, targetsOf } from '../../src/bench/sync/targets.js'

const LOAD: SyncLoad = {
  tenants: 100,
  feedsPerTenant: 10,
  distinct: 1_000,
  items: 30,
  itemBytes: 1_500,
  latencyMs: 0,
  workers: 0,
  repeat: 1,
  placement: 'dedicated',
}
const EMBEDDED: Drivers = { db: 'sqlite', cache: 'memory', queue: 'sync' }
const SERVERS: Drivers = { db: 'mysql', cache: 'redis', queue: 'redis' }

describe('the sources of the tenants', () => {
  test.each([
    [100, 10, 1_000],
    [100, 10, 10],
    [7, 5, 6],
    [1_000, 10, 2_000],
    [3, 1, 2],
  ])('%i tenants with %i feeds from %i sources: none twice, none left out, all nearly as often', (tenants, feedsPerTenant, distinct) => {
    const hands = dealSources({ tenants, feedsPerTenant, distinct })
    expect(hands.map(hand => new Set(hand).size)).toEqual(Array(tenants).fill(feedsPerTenant))
    const uses = Array<number>(distinct).fill(0)
    for (const source of hands.flat()) uses[source] = (uses[source] ?? 0) + 1
    expect(uses).toHaveLength(distinct)
    expect(Math.min(...uses)).toBeGreaterThan(0)
    expect(Math.max(...uses) - Math.min(...uses)).toBeLessThan(2)
  })

  test('are dealt the same way every time, and not in blocks that several tenants share', () => {
    const load = { tenants: 200, feedsPerTenant: 10, distinct: 200 }
    expect(dealSources(load)).toEqual(dealSources(load))
    const hands = dealSources(load).map(hand => hand.sort((a, b) => a - b).join())
    expect(new Set(hands).size).toBeGreaterThan(190)
  })

  test.each([[9], [1_001]])('cannot be %i for 100 tenants with 10 feeds', distinct => {
    expect(() => checkLoad({ ...LOAD, distinct })).toThrow(`--distinct ${distinct} is not from 10 to 1000`)
    expect(() => checkLoad({ ...LOAD, distinct: 10 })).not.toThrow()
  })
})

describe('the targets', () => {
  const fleet = { ...LOAD, tenants: 1_000, distinct: 2_000, workers: 2 }
  test.each<[string, SyncLoad, Drivers, (number | null)[]]>([
    ['a thousand feeds, embedded', LOAD, EMBEDDED, [6, 0.7, 400e6]],
    ['a thousand feeds, on servers with two workers', { ...LOAD, workers: 2 }, SERVERS, [8, 1.5, 400e6]],
    ['a thousand feeds in other tenants', { ...LOAD, tenants: 50, feedsPerTenant: 20 }, EMBEDDED, [null, null, null]],
    ['a slow network, embedded', { ...LOAD, latencyMs: 200 }, EMBEDDED, [8, 4.8, 400e6]],
    ['a slow network, on servers', { ...LOAD, latencyMs: 200, workers: 2 }, SERVERS, [8, 4.8, 400e6]],
    ['the fleet', fleet, SERVERS, [60, 10, 400e6]],
    ['the fleet with more workers', { ...fleet, workers: 10 }, SERVERS, [60, 10, 400e6]],
    ['the fleet, embedded', { ...fleet, workers: 0 }, EMBEDDED, [null, null, null]],
    ['three workers', { ...LOAD, workers: 3 }, SERVERS, [null, null, null]],
    ['one driver of each', { ...LOAD, workers: 2 }, { ...SERVERS, db: 'sqlite' }, [null, null, null]],
    ['smaller posts', { ...LOAD, itemBytes: 500 }, EMBEDDED, [null, null, null]],
    ['shared sources', { ...LOAD, distinct: 500 }, EMBEDDED, [null, null, null]],
  ])('of %s', (_name, load, drivers, expected) => {
    const { coldS, warmS, peakRssBytes } = targetsOf(load, drivers)
    expect([coldS, warmS, peakRssBytes]).toEqual(expected)
  })

  test.each([
    [1, 'mvp'],
    [100, 'mvp'],
    [101, 'growth'],
    [500, 'growth'],
    [2_000, 'scale'],
    [2_001, 'enterprise'],
  ])('%i tenants are of phase %s', (tenants, phase) => {
    expect(phaseOf(tenants)).toBe(phase)
  })
})
