import { describe, expect, it } from 'vitest'
import { shortOf, sizesOf, sourcesOf } from '../../src/bench/sizes.js'

describe("a phase's sizes", () => {
  it.each([
    ['mvp', { tenants: 100, connections: 50, rate: 100 }],
    ['growth', { tenants: 500, connections: 200, rate: 500 }],
    ['scale', { tenants: 2_000, connections: 1_000, rate: 2_000 }],
    ['enterprise', { tenants: 2_000, connections: 25_000, rate: 50_000 }],
  ] as const)('of the API are the users and requests that %s carries, and callers enough', (phase, sizes) => {
    expect(sizesOf('api', phase)).toEqual(sizes)
    expect(sizesOf('guide', phase)).toEqual({})
    expect(sizesOf('analytics', phase)).toEqual({ tenants: sizes.tenants })
  })

  it.each([
    ['mvp', { tenants: 100, placement: 'dedicated' }, { dedicated: 100, shared: 100 }, { jobs: 100, tenants: 99 }, 3_000],
    ['growth', { tenants: 500, placement: 'dedicated' }, { dedicated: 500, shared: 500 }, { jobs: 500, tenants: 499 }, 15_000],
    [
      'scale',
      { tenants: 2_000, placement: 'shared' },
      { dedicated: 1_000, shared: 2_000 },
      { jobs: 2_000, tenants: 1_999 },
      60_000,
    ],
    [
      'enterprise',
      { tenants: 50_000, placement: 'shared' },
      { dedicated: 1_000, shared: 50_000 },
      { jobs: 50_000, tenants: 10_000 },
      100_000,
    ],
  ] as const)('of the others are its tenants: %s', (phase, sync, tenants, queue, files) => {
    expect(sizesOf('sync', phase)).toEqual(sync)
    expect(sizesOf('tenants', phase)).toEqual(tenants)
    expect(sizesOf('queue', phase)).toEqual(queue)
    expect(sizesOf('media', phase)).toEqual({ files })
  })

  it.each([
    ['sync', 'scale', { tenants: 2_000, placement: 'shared' }, []],
    // Where tenants live is no size.
    ['sync', 'scale', { tenants: 3_000, placement: 'dedicated' }, []],
    ['sync', 'scale', { tenants: 3, placement: 'shared' }, ['--tenants 3 instead of 2000']],
    ['api', 'mvp', { tenants: 100, connections: 49, rate: 99 }, ['--connections 49 instead of 50', '--rate 99 instead of 100']],
    ['guide', 'scale', { tenants: 1 }, []],
  ] as const)('of %s %s are not reached by less: %j', (scenario, phase, load, short) => {
    expect(shortOf(scenario, phase, load)).toEqual(short)
  })

  it.each([
    [80, null, 80],
    [500_000, null, 500_000],
    [80, 'mvp', 80],
    [5_000, 'growth', 2_000],
    [500_000, 'enterprise', 20_000],
  ] as const)('of %d feeds have sources no more than are made in a bearable time', (feeds, phase, sources) => {
    expect(sourcesOf(feeds, phase)).toBe(sources)
  })
})
