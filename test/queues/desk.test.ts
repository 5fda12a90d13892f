import { describe, expect, it, onTestFinished } from 'vitest'
import type { FailedJob, QueueDesk } from '../../src/queues/desk.js'
import { Quarantine } from '../../src/queues/quarantine.js'
import { RedisQueue, type RedisQueueOptions } from '../../src/queues/redis.js'
import { RedisDesk } from '../../src/queues/redis-desk.js'
import { addJobs, bullQueue, consume, failJobs, freshRedis, openDesk, syncJob } from './desk-jobs.js'

async function all(jobs: AsyncIterable<FailedJob>): Promise<FailedJob[]> {
  const found: FailedJob[] = []
  for await (const job of jobs) found.push(job)
  return found
}

/** Puts the failed job of this tenant in quarantine, as a worker does. */
async function quarantine(options: RedisQueueOptions, desk: QueueDesk, tenantId: number): Promise<FailedJob> {
  const job = (await all(desk.failed())).find(failed => failed.tenantId === tenantId)
  if (job === undefined) throw new Error('no failed job of the tenant')
  const redis = options.connect('producer')
  const { queue, id, name, payload, reason, attempts, failedAt } = job
  const history = ['a worker died']
  const dedupeId = `tenant:${tenantId}`
  await new Quarantine(redis, options.prefix).put({
    queue,
    id,
    dedupeId,
    name,
    payload,
    tenantId,
    reason,
    attempts,
    failedAt,
    history,
  })
  redis.disconnect()
  return job
}

async function addAgain(options: RedisQueueOptions, tenantId: number) {
  const queue = new RedisQueue(options)
  try {
    return await queue.add([syncJob(tenantId)])
  } finally {
    await queue.close()
  }
}

describe('failed jobs', () => {
  it('come newest first over all the queues, with why they failed', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1)], () => 'UNAVAILABLE: connect ECONNREFUSED 127.0.0.1:3306')
    const prune = { queue: 'maintenance', name: 'PrunePosts', payload: {}, dedupeId: 'prune' } as const
    await failJobs(options, [prune], () => 'PARTIAL: some')
    await failJobs(options, [syncJob(2)], () => 'UNAVAILABLE: connect ECONNREFUSED 10.0.0.1:3307')
    const found = await all(desk.failed())
    expect(found.map(job => [job.queue, job.name, job.tenantId, job.reason])).toEqual([
      ['sync', 'SyncTenantFeeds', 2, 'UNAVAILABLE: connect ECONNREFUSED 10.0.0.1:3307'],
      ['maintenance', 'PrunePosts', null, 'PARTIAL: some'],
      ['sync', 'SyncTenantFeeds', 1, 'UNAVAILABLE: connect ECONNREFUSED 127.0.0.1:3306'],
    ])
    expect(found[0]).toMatchObject({ payload: { tenantId: 2 }, attempts: 1, quarantined: false, history: [] })
    expect(found[0]?.fingerprint).toBe(found[2]?.fingerprint)
    expect(Math.abs(Date.now() - (found[0]?.failedAt ?? 0))).toBeLessThan(60_000)
    expect(await desk.find(found[1]?.id ?? '')).toEqual(found[1])
    expect(await desk.find('nothing')).toBeNull()
  })

  it('are all told, each once, while they are taken away, and also when hundreds failed in the same moment', async () => {
    const { desk, options } = openDesk()
    await failJobs(
      options,
      Array.from({ length: 700 }, (_, n) => syncJob(n + 1)),
      () => 'UNAVAILABLE: away',
    )
    const redis = options.connect('producer')
    const key = `{${options.prefix}}:sync:failed`
    const moment = Date.now()
    const ids = await redis.zrange(key, 0, -1)
    await redis.zadd(key, ...ids.slice(0, 500).flatMap(id => [moment, id]))
    redis.disconnect()
    expect(new Set((await all(desk.failed())).map(job => job.id)).size).toBe(700)
    const told: string[] = []
    for await (const job of desk.failed()) {
      told.push(job.id)
      if (told.length % 2 === 0) expect(await desk.forget(job)).toBe(true)
    }
    expect([told.length, new Set(told).size]).toEqual([700, 700])
    expect((await desk.counts())[0]?.failed).toBe(350)
  })

  it('are UNAVAILABLE where no Redis answers', async () => {
    const desk = new RedisDesk({
      ...freshRedis().options,
      connect: () => {
        const redis = freshRedis().options.connect('producer')
        redis.disconnect()
        return redis
      },
    })
    onTestFinished(() => desk.close())
    await expect(desk.counts()).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(all(desk.failed())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await expect(desk.canary('sync', 100, new AbortController().signal)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })
})

describe('a failed job that is retried', () => {
  it('is added again at the end of its queue, and its like is not added beside it', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1), syncJob(2)], () => 'UNAVAILABLE: away')
    await addJobs(options, [syncJob(3)])
    const [second, first] = await all(desk.failed())
    expect(await desk.retry(first as FailedJob)).toBe('retried')
    expect(await desk.retry(first as FailedJob)).toBe('left-out')
    expect((await all(desk.failed())).map(job => job.id)).toEqual([second?.id])
    expect(await addAgain(options, 1)).toMatchObject({ added: 0, existing: 1 })
    expect(await consume(options, 'sync', 2)).toEqual(['tenant:3', 'tenant:1'])
    expect(await addAgain(options, 1)).toMatchObject({ added: 1 })
  })

  it('is one with the job of its tenant that waits already', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1)], () => 'UNAVAILABLE: away')
    const [failed] = await all(desk.failed())
    await addJobs(options, [syncJob(1)])
    expect(await desk.retry(failed as FailedJob)).toBe('already-queued')
    expect((await desk.counts())[0]).toMatchObject({ waiting: 1, failed: 0 })
  })

  it('goes on when it was killed after adding it: it is retried again, and added once', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1)], () => 'UNAVAILABLE: away')
    const [failed] = await all(desk.failed())
    await addJobs(options, [syncJob(1)])
    expect(await all(desk.failed())).toEqual([failed])
    expect(await desk.retry(failed as FailedJob)).toBe('already-queued')
    expect(await consume(options, 'sync', 1)).toEqual(['tenant:1'])
    expect((await desk.counts())[0]).toMatchObject({ waiting: 0, failed: 0 })
  })

  it('follows the one of its tenant that runs, once', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1)], () => 'UNAVAILABLE: away')
    const [failed] = await all(desk.failed())
    await addJobs(options, [syncJob(1)])
    const ends: unknown[] = []
    const taken = await consume(options, 'sync', 2, async () => {
      if (ends.length === 0) ends.push(await desk.retry(failed as FailedJob))
    })
    expect([ends, taken]).toEqual([['retried'], ['tenant:1', 'tenant:1']])
  })

  it('is left out while another of its tenant is in quarantine, which that does not leave', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1)], () => 'UNAVAILABLE: away')
    const [older] = await all(desk.failed())
    await failJobs(options, [syncJob(1)], () => 'JOB_QUARANTINED: 2 workers died of it')
    const { id } = await quarantine(options, desk, 1)
    expect(id).not.toBe(older?.id)
    expect(await desk.retry(older as FailedJob)).toBe('left-out')
    expect((await all(desk.failed())).map(job => [job.id, job.quarantined])).toEqual([
      [id, true],
      [older?.id, false],
    ])
    expect(await addAgain(options, 1)).toMatchObject({ added: 0, quarantined: ['tenant:1'] })
    expect((await desk.counts())[0]).toMatchObject({ waiting: 0, failed: 2 })
  })

  it('leaves its quarantine', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1)], () => 'JOB_QUARANTINED: 2 workers died of it')
    const { id } = await quarantine(options, desk, 1)
    await bullQueue(options, 'sync').addJobLog(id, 'worker a was killed by SIGKILL')
    expect(await desk.find(id)).toMatchObject({ quarantined: true, history: ['worker a was killed by SIGKILL'] })
    expect(await addAgain(options, 1)).toMatchObject({ added: 0, quarantined: ['tenant:1'] })
    expect(await desk.retry((await desk.find(id)) as FailedJob)).toBe('retried')
    expect(await consume(options, 'sync', 1)).toEqual(['tenant:1'])
    expect(await addAgain(options, 1)).toMatchObject({ added: 1, quarantined: [] })
  })
})

describe('a failed job that is forgotten', () => {
  it('is gone, its neighbour stays, and a tenant in quarantine may be added again', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1), syncJob(2)], () => 'UNAVAILABLE: away')
    const job = await quarantine(options, desk, 1)
    expect(await desk.forget(job)).toBe(true)
    expect(await desk.forget(job)).toBe(false)
    expect((await all(desk.failed())).map(({ tenantId }) => tenantId)).toEqual([2])
    expect(await addAgain(options, 1)).toMatchObject({ added: 1, quarantined: [] })
  })

  it('leaves the quarantine of a later one alone', async () => {
    const { desk, options } = openDesk()
    await failJobs(options, [syncJob(1)], () => 'UNAVAILABLE: away')
    const [older] = await all(desk.failed())
    await failJobs(options, [syncJob(1)], () => 'JOB_QUARANTINED: 2 workers died of it')
    await quarantine(options, desk, 1)
    expect(await desk.forget(older as FailedJob)).toBe(true)
    expect(await all(desk.failed())).toMatchObject([{ quarantined: true }])
    expect(await addAgain(options, 1)).toMatchObject({ added: 0, quarantined: ['tenant:1'] })
  })
})

it('a job in quarantine is told, retried and forgotten also when its queue has given it up', async () => {
  const { desk, options } = openDesk()
  await failJobs(options, [syncJob(1), syncJob(2), syncJob(3)], () => 'JOB_QUARANTINED: 2 workers died of it')
  for (const tenantId of [1, 2]) {
    const { id } = await quarantine(options, desk, tenantId)
    await bullQueue(options, 'sync').remove(id)
  }
  const found = await all(desk.failed())
  expect(found.map(({ tenantId, quarantined }) => [tenantId, quarantined])).toEqual([
    [3, false],
    [2, true],
    [1, true],
  ])
  expect((await desk.counts()).map(({ failed }) => failed)).toEqual([3, 0, 0, 0])
  expect(found[1]).toMatchObject({ name: 'SyncTenantFeeds', history: ['a worker died'] })
  expect(await desk.find(found[1]?.id ?? '')).toEqual(found[1])
  expect(await desk.retry(found[1] as FailedJob)).toBe('retried')
  expect(await desk.forget(found[2] as FailedJob)).toBe(true)
  expect((await all(desk.failed())).map(({ tenantId }) => tenantId)).toEqual([3])
  expect(await consume(options, 'sync', 1)).toEqual(['tenant:2'])
  expect(await addAgain(options, 1)).toMatchObject({ added: 1 })
})
