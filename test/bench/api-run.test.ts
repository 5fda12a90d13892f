import { describe, expect, test } from 'vitest'
import { sharedMariadbEnv, sharedRedisEnv } from '../support/drivers.js'
import { faultsIn, figuresIn, leftOf, rowsIn, runBench } from './bench-runs.js'

const SMALL = ['api', '--tenants', '3', '--connections', '10', '--rate', '50', '--duration', '1', '--repeat', '1']

const ON_SERVERS = () => ({ ...sharedMariadbEnv(), ...sharedRedisEnv(), CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' })

describe('feedctl bench api', () => {
  test.each([
    // No machine keeps to so short a goal at many rates: the search is over soon.
    ['in one process', ['--phase', 'mvp', '--goal-ms', '20'], () => ({}), { db: 'sqlite', cache: 'memory', queue: 'sync' }],
    ['on servers', ['--no-search'], ON_SERVERS, { db: 'mysql', cache: 'redis', queue: 'redis' }],
  ])('measures a real API %s, and leaves nothing behind', async (_name, flags, settings, drivers) => {
    const isSearched = flags[0] !== '--no-search'
    const run = await runBench([...SMALL, '--nginx', '--json', ...flags], settings())
    expect({ exit: run.exit, left: leftOf(run) }, run.err).toEqual({ exit: 0, left: [] })
    const {
      settings: load,
      machine,
      charts,
      highest_rate: highest,
    } = JSON.parse(run.out) as {
      settings: { answer_bytes: number }
      machine: { drivers: object }
      highest_rate: { limit: string; why: string } | null
      charts: Record<'latency' | 'throughput' | 'rates', { name: string; count: number }[]>
    }
    expect(charts.latency.map(({ name, count }) => [name, count > 0])).toEqual(
      ['users', 'crowd', 'rate', 'uncached'].map(name => [name, true]),
    )
    expect(charts.throughput.map(({ name }) => name)).toEqual(['users', 'crowd', 'rate', 'uncached'])
    expect(charts.rates.length > 0).toBe(isSearched)
    expect(highest !== null).toBe(isSearched)
    expect(load.answer_bytes).toBeGreaterThan(1_000)
    expect(machine.drivers).toEqual(drivers)
    const rows = rowsIn(run.out)
    // So few tenants are less than the phase carries, of which nothing is promised then.
    const searched = rows.filter(({ metric }) => metric === 'highest_rate_per_s')
    expect(searched.map(({ phase, target }) => [phase, target])).toEqual(isSearched ? [['mvp', null]] : [])
    expect(faultsIn(rows.filter(row => !searched.includes(row)))).toEqual([])
    const figures = figuresIn(rows)
    for (const metric of [
      'cached_ratio',
      'cached_cpu_ratio',
      'cached_per_s',
      'bare_per_s',
      'users_p99_ms',
      'rate_p99_ms',
      'uncached_per_s',
      'nginx_1_per_s',
      'nginx_3_per_s',
      'nginx_ratio',
    ])
      expect(figures[metric], metric).toBeGreaterThan(0)
    expect(figures.uncached_statements).toBeGreaterThanOrEqual(1)
    expect(rows.find(({ metric }) => metric === 'uncached_statements')).toMatchObject({ target: 1.05, valid: true })
  })

  test('that is interrupted ends what it started, and removes what it made', async () => {
    const run = await runBench(SMALL, {}, 'cached answers')
    expect({ exit: run.exit, left: leftOf(run) }, run.err).toEqual({ exit: 143, left: [] })
  })

  test('says what has to be raised for more connections than this system can open', async () => {
    const { exit, err } = await runBench(['api', '--connections', '250000', '--workers', '1'])
    expect({ exit, err }).toMatchObject({
      exit: 3,
      err: expect.stringMatching(/would hold 250000 connections[\s\S]*try: --workers \d+, or raise the limit/),
    })
  })
})
