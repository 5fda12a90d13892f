import { describe, expect, it } from 'vitest'
import { waitedMs } from '../../src/queues/desk-counts.js'
import { addJobs, bullQueue, consume, failJobs, openDesk, syncJob } from './desk-jobs.js'

describe('the counts', () => {
  it('tell for each queue what waits, runs, is delayed and failed, and for how long the first has waited', async () => {
    const { desk, options } = openDesk()
    const nothing = { waiting: 0, active: 0, delayed: 0, failed: 0, paused: false, oldestWaitMs: 0 }
    const names = ['sync', 'media', 'analytics', 'maintenance']
    expect(await desk.counts()).toEqual(names.map(name => ({ name, ...nothing })))
    await failJobs(options, [syncJob(1)], () => 'UNAVAILABLE: away')
    const bull = bullQueue(options, 'sync')
    const hourAgo = Date.now() - 3_600_000
    await bull.add('SyncTenantFeeds', { tenantId: 2 }, { timestamp: hourAgo })
    await bull.add('SyncTenantFeeds', { tenantId: 3 })
    await bull.add('SyncTenantFeeds', { tenantId: 4 }, { priority: 5 })
    await bull.add('SyncTenantFeeds', { tenantId: 5 }, { delay: 3_600_000, timestamp: hourAgo - 1_000_000 })
    const [sync, ...others] = await desk.counts()
    expect(sync).toMatchObject({ waiting: 3, active: 0, delayed: 1, failed: 1, paused: false })
    expect(sync?.oldestWaitMs).toBeGreaterThanOrEqual(3_600_000)
    expect(sync?.oldestWaitMs).toBeLessThan(3_700_000)
    expect(others.every(({ waiting, failed }) => waiting + failed === 0)).toBe(true)
    const during = await new Promise<number | undefined>(resolve => {
      void consume(options, 'sync', 1, async () => resolve((await desk.counts())[0]?.active))
    })
    expect(during).toBe(1)
  })

  it.each([
    ['a job that is gone', 'a', null, null, 0],
    ['one never taken', 'a', '1000', null, 9_000],
    ['one taken before, since then', 'a', '1000', '4000', 6_000],
    ['one of a machine whose clock is ahead', 'a', '20000', null, 0],
    ['one of a schedule, since it was due', 'repeat:sync-due:7500', '1000', null, 2_500],
    ['one of a schedule that was taken before, since then', 'repeat:sync-due:7500', '1000', '9000', 1_000],
    ['one of a schedule that is not due yet', 'repeat:sync-due:20000', '1000', null, 0],
  ])('count the wait of %s', (_, id, addedAt, takenAt, expected) => {
    expect(waitedMs(id, addedAt, takenAt, 10_000)).toBe(expected)
  })

  it('count the wait of a job of a schedule from when it is due', async () => {
    const { desk, options } = openDesk()
    const bull = bullQueue(options, 'sync')
    const dayMs = 86_400_000
    // Due in half a day, and not in this very moment.
    const offset = (Date.now() + dayMs / 2) % dayMs
    await bull.upsertJobScheduler('sync-due', { every: dayMs, offset }, { name: 'StartDueSyncs' })
    const [next] = await bull.getDelayed()
    const redis = options.connect('producer')
    await redis.hset(bull.toKey(next?.id ?? ''), 'timestamp', Date.now() - 3_600_000)
    redis.disconnect()
    await next?.promote()
    expect((await desk.counts())[0]).toMatchObject({ waiting: 1, oldestWaitMs: 0 })
  })

  it('say which queue is paused, until it is resumed', async () => {
    const { desk, options } = openDesk()
    const paused = async () => (await desk.counts()).filter(queue => queue.paused).map(queue => queue.name)
    await desk.pause('sync')
    await desk.pause('sync')
    await desk.pause('maintenance')
    expect(await paused()).toEqual(['sync', 'maintenance'])
    await addJobs(options, [syncJob(1)])
    expect((await desk.counts())[0]).toMatchObject({ waiting: 1, paused: true })
    await desk.resume('sync')
    await desk.resume('sync')
    expect(await paused()).toEqual(['maintenance'])
    expect(await consume(options, 'sync', 1)).toEqual(['tenant:1'])
  })

  it('take no longer for 5,000 jobs than for five', { timeout: 60_000 }, async () => {
    const filled = async (count: number) => {
      const { desk, options } = openDesk()
      await addJobs(
        options,
        Array.from({ length: count }, (_, n) => syncJob(n + 1)),
      )
      return { desk, count, times: [] as number[] }
    }
    const desks = [await filled(5), await filled(5_000)]
    for (let look = 0; look < 20; look++) {
      for (const { desk, count, times } of desks) {
        const begun = performance.now()
        expect((await desk.counts())[0]?.waiting).toBe(count)
        times.push(performance.now() - begun)
      }
    }
    const [few = Number.NaN, many = Number.NaN] = desks.map(({ times }) => times.sort((a, b) => a - b)[10])
    expect(many).toBeLessThan(3 * few + 10)
  })
})
