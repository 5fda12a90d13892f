import { describe, expect, test } from 'vitest'
import { sharedMariadbEnv, sharedRedisEnv } from '../support/drivers.js'
import { faultsIn, figuresIn, leftOf, rowsIn, runBench } from './bench-runs.js'

const SMALL = ['api', '--tenants', '3', '--connections', '10', '--rate', '50', '--duration', '1', '--repeat', '1']

const ON_SERVERS = () => ({ ...sharedMariadbEnv(), ...sharedRedisEnv(), CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' })

describe('feedctl bench api', () => {
  test.each([
    ['in one process', () => ({}), { db: 'sqlite', cache: 'memory', queue: 'sync' }],
    ['on servers', ON_SERVERS, { db: 'mysql', cache: 'redis', queue: 'redis' }],
  ])('measures a real API %s, and leaves nothing behind', async (_name, settings, drivers) => {
    const run = await runBench([...SMALL, '--nginx', '--json'], settings())
    expect({ exit: run.exit, left: leftOf(run) }, run.err).toEqual({ exit: 0, left: [] })
    const { settings: load, machine } = JSON.parse(run.out) as {
      settings: { answer_bytes: number }
      machine: { drivers: object }
    }
    expect(load.answer_bytes).toBeGreaterThan(1_000)
    expect(machine.drivers).toEqual(drivers)
    const rows = rowsIn(run.out)
    expect(faultsIn(rows)).toEqual([])
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
