import { expect, test } from 'vitest'
import { insertRows } from '../../src/tenants/databases/index.js'
import { openWatch, QueuesAway } from '../../src/watch/gather.js'
import { describeDrivers, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { temporaryFolder } from '../support/folders.js'
import { startRedis } from '../support/redis.js'
import { AT, cardQueue, workerOf } from './made-up.js'
import { addRun, addSources, addTenants, clear, openParts } from './rows.js'

async function opened(env: TestEnv) {
  const app = await openParts(env)
  await clear(app)
  const clock = { now: AT }
  return { app, clock, watch: await openWatch(app, () => clock.now) }
}

describeDrivers('what is seen of an installation', env => {
  test('is nothing where there is nothing', async () => {
    const { watch } = await opened(env)
    const overview = await watch.overview()
    expect(overview).toMatchObject({ at: AT, driver: env.QUEUE_CONNECTION, workers: [], supervisors: [], run: null, alerts: [] })
    expect(overview.queues.map(queue => [queue.name, queue.waiting, queue.workers])).toEqual([
      ['sync', 0, 0],
      ['media', 0, 0],
      ['analytics', 0, 0],
      ['maintenance', 0, 0],
    ])
    expect(overview.tenants).toMatchObject({
      active: 0,
      syncedAt: null,
      oldestAt: null,
      dueAt: null,
      slowest: [],
      mostFailing: [],
    })
    expect(overview.sources).toMatchObject({ total: 0, failing: 0, due: 0, retired: 0, failures: [] })
  })

  test('names the slowest and the most failing of the active tenants, and counts the others', async () => {
    const { app, watch } = await opened(env)
    await addTenants(app, [
      ...Array.from({ length: 12 }, (_, index) => ({
        id: index + 1,
        synced_at: AT - 1_000,
        sync_ms: index + 1,
        next_sync_at: AT + 9,
      })),
      { id: 20, created_at: 500, synced_at: AT - 1, sync_failures: 2, next_sync_at: AT + 5 },
      { id: 21, synced_at: AT - 1, sync_failures: 2, sync_feeds_failed: 3, next_sync_at: AT + 6 },
      { id: 22, synced_at: AT - 500, sync_ms: 99, sync_feeds_failed: 7, next_sync_at: AT + 7 },
      { id: 23, paused_at: AT - 1, next_sync_at: AT - 1_000 },
      { id: 30, state: 'suspended', sync_ms: 1_000_000, sync_failures: 50, synced_at: AT },
    ])
    const { tenants } = await watch.overview()
    expect(tenants.slowest.map(tenant => [tenant.slug, tenant.syncMs])).toEqual(
      [['t-22', 99]].concat([12, 11, 10, 9, 8, 7, 6, 5, 4].map(id => [`t-${id}`, id])),
    )
    expect(tenants.mostFailing.map(tenant => [tenant.slug, tenant.syncFailures, tenant.feedsFailed])).toEqual([
      ['t-21', 2, 3],
      ['t-20', 2, 0],
      ['t-22', 0, 7],
    ])
    expect(tenants).toMatchObject({
      states: { active: 16, suspended: 1, provisioning: 0, deleting: 0 },
      ...{
        active: 16,
        paused: 1,
        failing: 3,
        failed: 2,
        syncedAt: AT - 500,
        oldestAt: 500,
        failingSince: AT - 300_001,
        dueAt: AT + 7,
      },
    })
  })

  test('remembers the newest success although every tenant has failed since', async () => {
    const { app, clock, watch } = await opened(env)
    await addTenants(app, [{ id: 1, synced_at: AT - 70 }])
    expect((await watch.overview()).tenants).toMatchObject({ syncedAt: AT - 70, dueAt: 0 })
    await app.catalog.kysely
      .updateTable('tenants')
      .set({ synced_at: AT + 50, sync_failures: 1 })
      .execute()
    clock.now += 600_000
    expect((await watch.overview()).tenants).toMatchObject({ syncedAt: AT - 70, failed: 1 })
  })

  test('counts sources by how they do, and reads them again after half a minute', async () => {
    const { app, clock, watch } = await opened(env)
    await addSources(app, [
      { next_check_at: AT },
      { next_check_at: AT + 1 },
      { next_check_at: 0, quiet_until: AT + 1 },
      { next_check_at: 0, quiet_until: AT, failure_code: 'FEED_TIMEOUT' },
      { next_check_at: AT + 1, failure_code: 'FEED_TIMEOUT' },
      { next_check_at: AT + 1, failure_code: 'FEED_GONE' },
      { next_check_at: 0, failure_code: 'FEED_GONE', retired_at: AT },
      { next_check_at: 0, merged_into: 1 },
    ])
    const sources = { total: 7, failing: 3, due: 2, retired: 1 }
    const failures = [
      { code: 'FEED_TIMEOUT', sources: 2 },
      { code: 'FEED_GONE', sources: 1 },
    ]
    expect((await watch.overview()).sources).toEqual({ readAt: AT, ...sources, failures })
    await app.catalog.kysely.deleteFrom('sources').execute()
    clock.now += 29_000
    expect((await watch.overview()).sources).toMatchObject({ readAt: AT, total: 7 })
    clock.now += 600_000
    expect((await watch.overview()).sources).toMatchObject({ readAt: clock.now, total: 0 })
  })

  test('follows a run to its end, and knows the alerts that stand', async () => {
    const { app, clock, watch } = await opened(env)
    await addRun(app, 'old', AT - 90_000, ['ok', 'ok'], AT - 80_000)
    await addRun(app, 'new', AT - 5_000, ['ok', 'failed', 'running', 'queued', 'queued'])
    await insertRows(app.catalog.database, 'alerts', [
      { name: 'no-sync', message: 'nothing', since: AT - 9, sent_at: null, sent: 0 },
    ])
    const { run, alerts } = await watch.queues()
    expect(run).toEqual({
      runId: 'new',
      startedAt: AT - 5_000,
      finishedAt: null,
      scheduled: false,
      total: 5,
      running: 1,
      ended: 2,
      failed: 1,
    })
    expect(alerts).toEqual([{ name: 'no-sync', message: 'nothing', since: AT - 9 }])
    await app.catalog.kysely
      .updateTable('run_tenants')
      .set({ state: 'ok', finished_at: AT })
      .where('run_id', '=', 'new')
      .execute()
    clock.now += 600_000
    expect((await watch.overview()).run).toMatchObject({ runId: 'new', finishedAt: AT, running: 0, ended: 5, failed: 0 })
  })

  if (env.QUEUE_CONNECTION === 'sync') {
    test('has the queue of the live runs, where there is no Redis', async () => {
      const { app, watch } = await opened(env)
      await addTenants(app, [{ id: 1, sync_failures: 1, synced_at: AT }, { id: 2 }])
      await addRun(app, 'live', AT - 5_000, ['ok', 'running', 'queued', 'queued'])
      expect((await watch.queues()).queues[0]).toMatchObject({
        name: 'sync',
        waiting: 2,
        active: 1,
        failed: 1,
        oldestWaitMs: 5_000,
      })
    })
  } else {
    test('adds up what workers tell on the board', async () => {
      const { app, watch } = await opened(env)
      const board = await app.board()
      await board.putWorker(workerOf(1, [cardQueue('sync', { perS: 2, finished: 4, busyMs: 400 })], { startedAt: Date.now() }))
      await board.putWorker(
        workerOf(2, [cardQueue('sync', { perS: 3, finished: 6, busyMs: 100 }), cardQueue('media')], {
          startedAt: Date.now() + 1,
        }),
      )
      const { queues, workers, supervisors } = await watch.overview()
      expect(workers.map(worker => worker.pid)).toEqual([1, 2])
      expect(supervisors).toEqual([])
      expect(queues[0]).toMatchObject({ name: 'sync', workers: 2, processedPerS: 5, meanJobMs: 50, waiting: 0 })
      expect(queues[1]).toMatchObject({ name: 'media', workers: 1 })
    })
  }
})

test('an installation without its Redis is not seen, and it is said that it is the queues', async () => {
  await using redis = await startRedis()
  const app = await openParts({ ...sharedRedisEnv(), ...redis.env, QUEUE_CONNECTION: 'redis', FEEDCTL_DATA: temporaryFolder() })
  const watch = await openWatch(app)
  expect((await watch.overview()).driver).toBe('redis')
  await redis.stop()
  const failure = await watch.overview().catch(error => error)
  expect(failure).toBeInstanceOf(QueuesAway)
  expect(failure).toMatchObject({ code: 'UNAVAILABLE', exit: 5, retry: true })
  await redis.start()
  const driver = () =>
    watch.overview().then(
      seen => seen.driver,
      () => null,
    )
  await expect.poll(driver, { timeout: 20_000 }).toBe('redis')
})
