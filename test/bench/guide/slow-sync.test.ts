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

describe('feedctl bench guide --only sync', PATIENTLY, () => {
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

  test.each([
    ['in one process', () => ({})],
    ['by ten workers', serversEnv],
  ])('syncs tenants of slow publishers %s, and reckons how long one after another takes', async (_name, settings) => {
    const run = await runBench(['guide', '--only', 'sync', '--sync-tenants', '1', ...SHORT], settings())
    expect(endOf(run), run.err).toEqual({ exit: 0, left: [] })
    const rows = rowsIn(run.out)
    expect(faultsIn(rows)).toEqual([])
    const figures = figuresIn(rows)
    // A tenant with ten feeds, whose publishers take 600 ms.
    expect(figures.sync_serial_1_tenants_s).toBeGreaterThan(6)
    expect(figures.sync_by_tenant_1_tenants_s).toBeGreaterThan(0.6)
    expect(figures.sync_1_tenants_s).toBeGreaterThan(0.6)
    expect(rows.every(({ phase, target }) => phase === 'scale' && target === null)).toBe(true)
  })

  test('removes what it made when it is interrupted while ten workers ask', async () => {
    const run = await runBench(['--only', 'sync', '--sync-tenants', '1'], serversEnv(), '1 tenants, 10 at once')
    expect(endOf(run), run.err).toEqual({ exit: 143, left: [] })
    expect(run.err).not.toContain('could not remove')
  })
})
