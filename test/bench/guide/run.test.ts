import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type MariadbServer, startMariadb } from '../../support/mariadb.js'
import { type RedisServer, startRedis } from '../../support/redis.js'
import { type BenchRun, faultsIn, figuresIn, leftOf, onServers, rowsIn, runBench } from '../bench-runs.js'

/** Dozens of processes are started, on a machine that may be busy with other tests. */
const PATIENTLY = { timeout: 300_000 }
const SHORT = ['--duration', '1', '--no-scaling', '--json']

function endOf(run: BenchRun) {
  return { exit: run.exit, left: leftOf(run) }
}

describe('feedctl bench guide', PATIENTLY, () => {
  // Of its own: what other benchmarks have on those of the run is there at one moment, and gone at the next.
  let mariadb: MariadbServer
  let redis: RedisServer
  let before: string[]
  beforeAll(async () => {
    mariadb = await startMariadb()
    redis = await startRedis()
    before = await onServers(mariadb, redis)
  })
  afterEach(async () => {
    expect(await onServers(mariadb, redis)).toEqual(before)
  })
  afterAll(async () => {
    await mariadb?.dispose()
    await redis?.dispose()
  })
  const serversEnv = () => ({ ...mariadb.env, ...redis.env, CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' })

  test('measures what the cache, eager loading and batches bring, and refuses what does not hold', async () => {
    const few = ['--tenants', '3', '--requests', '400', '--write-every', '5']
    const run = await runBench(['guide', '--only', 'caching,eager,events', ...few, ...SHORT, '--assert'])
    expect(endOf(run), run.err).toEqual({ exit: 8, left: [] })
    expect(run.err).toMatch(/not as promised: [^"]*statements_saved_percent/)
    const rows = rowsIn(run.out)
    expect(faultsIn(rows)).toEqual([])
    const figures = figuresIn(rows)
    expect(figures).toMatchObject({ eager_statements: 1, lazy_statements: 21 })
    expect(figures.statements_uncached).toBeGreaterThanOrEqual(1_000)
    expect(figures.statements_cached).toBeLessThan(figures.statements_uncached ?? 0)
    for (const metric of ['latency_p50_ratio', 'events_single_per_s', 'events_per_s', 'events_ratio'])
      expect(figures[metric], metric).toBeGreaterThan(0)
  })

  test.each([
    ['in one process', () => ({}), null],
    ['on servers', serversEnv, 10],
  ])('lets every tenant of a phase be answered, and its users, %s', async (_name, settings, syncWorkers) => {
    const run = await runBench(['--phase', 'mvp', '--only', 'tenants,users', '--goal-ms', '60000', ...SHORT], settings())
    expect(endOf(run), run.err).toEqual({ exit: 0, left: [] })
    expect(JSON.parse(run.out)).toMatchObject({
      scenario: 'guide',
      settings: { phases: ['mvp'], claims: ['users', 'tenants'], api_processes: 1, sync_workers: syncWorkers },
    })
    const rows = rowsIn(run.out)
    expect(faultsIn(rows)).toEqual([])
    expect(rows).toMatchObject([
      { phase: 'mvp', metric: 'tenants', target: 100, measured: 100, pass: true, valid: true, why: null },
      { phase: 'mvp', metric: 'sync_enqueue_s', target: 10, valid: true },
      { phase: 'mvp', metric: 'concurrent_users', target: 50, measured: 50, pass: true, valid: true },
      { phase: 'mvp', metric: 'users_p99_ms', target: 60_000, pass: true, valid: true },
    ])
  })

  test('searches the highest rate up to a fifth more than the phase wants', async () => {
    const run = await runBench(['guide', '--phase', 'mvp', '--only', 'requests', '--goal-ms', '60000', ...SHORT], serversEnv())
    expect(endOf(run), run.err).toEqual({ exit: 0, left: [] })
    const { rows, charts, settings } = JSON.parse(run.out)
    expect(settings).not.toHaveProperty('worse_by')
    const row = { phase: 'mvp', metric: 'requests_per_s', target: 100, measured: 120, pass: true, valid: true, why: null }
    expect(rows).toMatchObject([row])
    expect(charts.rates.map(({ rate }: { rate: number }) => rate)).toEqual([30, 60, 120])
    expect(charts).toMatchObject({ latency: [{ buckets: expect.any(Array) }], throughput: [{ every_ms: 250 }] })
  })

  test('says of a claim that cannot be measured on these drivers why, and measures the others', async () => {
    const settings = { ...serversEnv(), CACHE_DRIVER: 'memory' }
    const run = await runBench(['guide', '--only', 'sync,eager', ...SHORT], settings)
    expect(endOf(run), run.err).toEqual({ exit: 0, left: [] })
    const why = expect.stringContaining('through CACHE_DRIVER=redis (try: CACHE_DRIVER=redis)')
    const rows = rowsIn(run.out)
    expect(rows.find(({ metric }) => metric === 'sync_1000_tenants_s')).toMatchObject({ pass: false, valid: false, why })
    expect(rows.find(({ metric }) => metric === 'eager_saved_percent')).toMatchObject({ pass: true, valid: true })
  })

  test('ends with the failure of servers that are away, and measures nothing', async () => {
    const run = await runBench(['guide', ...SHORT], { DB_CONNECTION: 'mysql', DB_PORT: '9' })
    expect(run, run.err).toMatchObject({ exit: 5, out: '', err: expect.stringContaining('"UNAVAILABLE"') })
    expect(leftOf(run)).toEqual([])
  })

  test.each([
    ['tenants are made', 'tenants', '100 tenants'],
    ['users ask', 'users', '50 users'],
  ])('removes what it made when it is interrupted while %s', async (_name, claim, words) => {
    const run = await runBench(['--phase', 'mvp', '--only', claim], serversEnv(), words)
    expect(endOf(run), run.err).toEqual({ exit: 143, left: [] })
    expect(run.err).not.toContain('could not remove')
  })
})
