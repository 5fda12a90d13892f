import { expect, onTestFinished, test } from 'vitest'
import { Quarantine } from '../../src/queues/quarantine.js'
import { Installation } from '../e2e/installation.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { bullQueue, failJobs, optionsOf, syncJob } from './desk-jobs.js'

test('a job in quarantine is forgotten with its tenant, also when the failed job is not kept any more, and others stay', async () => {
  const env = { ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis' }
  await using installation = await Installation.create(env)
  const options = optionsOf(env)
  for (const slug of ['acme', 'globex', 'initech']) await installation.createTenant(slug, [])
  await failJobs(options, [syncJob(1), syncJob(2)], () => 'JOB_QUARANTINED: 5 workers died of it')
  const ids = await bullQueue(options, 'sync').getFailed()
  const redis = options.connect('producer')
  onTestFinished(() => redis.disconnect())
  const quarantine = new Quarantine(redis, options.prefix)
  for (const tenantId of [1, 2, 3]) {
    const { dedupeId, ...job } = syncJob(tenantId)
    const id = ids.find(failed => failed.data.tenantId === tenantId)?.id ?? 'given up'
    const facts = { reason: 'JOB_QUARANTINED: 5 workers died of it', attempts: 0, failedAt: 1, history: ['a worker died'] }
    await quarantine.put({ ...job, ...facts, id, dedupeId, tenantId })
  }
  const prune = { queue: 'maintenance', name: 'PrunePosts', payload: {}, tenantId: null, dedupeId: 'PrunePosts' } as const
  await quarantine.put({ ...prune, id: 'no tenant', reason: 'JOB_QUARANTINED: ', attempts: 0, failedAt: 1, history: [] })

  await using app = await installation.open()
  const desk = await app.desk()
  const failed = async () => (await desk.counts()).map(queue => queue.failed)
  expect(await failed()).toEqual([3, 0, 0, 1])
  expect(await installation.run(['tenant', 'delete', 'acme', '--now', '--yes'])).toMatchObject({ exit: 0 })
  // One that may be brought back keeps its own.
  expect(await installation.run(['tenant', 'delete', 'globex', '--grace', '7d', '--yes'])).toMatchObject({ exit: 0 })
  // The catalog may take its time: then they are forgotten at a later look.
  const soon = { timeout: 20_000 }
  await expect.poll(failed, soon).toEqual([2, 0, 0, 1])
  expect(await installation.run(['tenant', 'delete', 'initech', '--now', '--yes'])).toMatchObject({ exit: 0 })
  const told = async () => {
    const tenants: (number | null)[] = []
    for await (const job of desk.failed()) tenants.push(job.tenantId)
    return tenants.sort()
  }
  await expect.poll(told, soon).toEqual([2, null])
  await expect.poll(failed, soon).toEqual([1, 0, 0, 1])
})
