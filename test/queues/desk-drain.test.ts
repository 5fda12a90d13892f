import { describe, expect, it } from 'vitest'
import type { JobRequest } from '../../src/queues/driver.js'
import { RedisQueue, type RedisQueueOptions } from '../../src/queues/redis.js'
import { addJobs, bullQueue, consume, failJobs, openDesk, syncJob } from './desk-jobs.js'

async function add(options: RedisQueueOptions, jobs: readonly JobRequest[]) {
  const queue = new RedisQueue(options)
  try {
    return await queue.add(jobs)
  } finally {
    await queue.close()
  }
}

/** A job of the tenant that failed once, and waits in the delayed set for its next attempt. */
async function addDelayed(options: RedisQueueOptions, tenantId: number): Promise<void> {
  const { name, payload, dedupeId } = syncJob(tenantId)
  await bullQueue(options, 'sync').add(name, payload, {
    delay: 3_600_000,
    deduplication: { id: dedupeId, keepLastIfActive: true },
  })
}

describe('draining a queue', () => {
  it('removes what waits and is delayed, of every tenant, and all of them can be added again', async () => {
    const { desk, options } = openDesk()
    const jobs = Array.from({ length: 1_200 }, (_, n) => syncJob(n + 1))
    await addJobs(options, jobs)
    await addDelayed(options, 5_000)
    await bullQueue(options, 'sync').add('SyncTenantFeeds', { tenantId: 5_001 }, { priority: 3 })
    await addJobs(options, [{ ...syncJob(1), queue: 'media' }])
    expect(await desk.drain('sync', null)).toBe(1_202)
    expect(await desk.drain('sync', null)).toBe(0)
    const [sync, media] = await desk.counts()
    expect(sync).toMatchObject({ waiting: 0, delayed: 0, oldestWaitMs: 0 })
    expect(media).toMatchObject({ waiting: 1 })
    expect(await add(options, [...jobs, syncJob(5_000)])).toMatchObject({ added: 1_201, existing: 0 })
  })

  it('of one tenant leaves those of its neighbours, in their order', async () => {
    const { desk, options } = openDesk()
    await addJobs(options, [1, 12, 2, 11].map(syncJob))
    await addDelayed(options, 21)
    await addJobs(options, [{ queue: 'sync', name: 'Other', payload: { tenantId: 1 }, dedupeId: 'other:1' }])
    await addJobs(options, [{ queue: 'sync', name: 'Other', payload: { tenantId: '1', id: 1 }, dedupeId: 'text:1' }])
    expect(await desk.drain('sync', 1)).toBe(2)
    expect(await desk.drain('sync', 21)).toBe(1)
    expect(await desk.drain('sync', 999)).toBe(0)
    expect(await add(options, [1, 12, 21].map(syncJob))).toMatchObject({ added: 2, existing: 1 })
    expect(await consume(options, 'sync', 6)).toEqual(['tenant:12', 'tenant:2', 'tenant:11', 'text:1', 'tenant:1', 'tenant:21'])
  })

  it('never touches a job that runs, but what would follow it', async () => {
    const { desk, options } = openDesk()
    await addJobs(options, [syncJob(1)])
    const taken = await consume(options, 'sync', 2, async dedupeId => {
      if (dedupeId !== 'tenant:1') return
      await add(options, [syncJob(1), syncJob(2)])
      expect(await desk.drain('sync', 1)).toBe(1)
      expect((await desk.counts())[0]).toMatchObject({ active: 1, waiting: 1 })
    })
    expect(taken).toEqual(['tenant:1', 'tenant:2'])
    expect((await desk.counts())[0]).toMatchObject({ active: 0, waiting: 0, failed: 0 })
    expect(await add(options, [syncJob(1)])).toMatchObject({ added: 1 })
  })

  it('leaves failed jobs, and the next job of a schedule', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1)], () => 'UNAVAILABLE: away')
    const bull = bullQueue(options, 'sync')
    await bull.upsertJobScheduler('sync-due', { every: 3_600_000 }, { name: 'StartDueSyncs' })
    await desk.drain('sync', null)
    expect(await desk.counts()).toMatchObject([{ failed: 1 }, {}, {}, {}])
    const [next] = await bull.getJobSchedulers()
    expect(await bull.getJob(`repeat:sync-due:${next?.next}`)).toBeDefined()
  })

  it('goes on while jobs are added and taken, and misses none that was there before', async () => {
    const { desk, options } = openDesk()
    await addJobs(
      options,
      Array.from({ length: 3_000 }, (_, n) => syncJob(n + 1)),
    )
    const adding = (async () => {
      for (let n = 0; n < 20; n++) await addJobs(options, [syncJob(10_000 + n)])
    })()
    const taking = consume(options, 'sync', 20)
    await desk.drain('sync', null)
    await adding
    // Whatever is left was added meanwhile.
    const left = await bullQueue(options, 'sync').getJobs(['waiting'])
    expect(left.filter(job => Number(job.data.tenantId) < 10_000).map(job => job.data)).toEqual([])
    await addJobs(
      options,
      Array.from({ length: 20 }, (_, n) => syncJob(20_000 + n)),
    )
    await taking
  })
})
