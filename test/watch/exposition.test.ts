import { expect, test } from 'vitest'
import { Exposition } from '../../src/watch/exposition.js'
import { FIGURES } from '../../src/watch/figures.js'
import type { Overview } from '../../src/watch/overview.js'
import { AT, cardQueue, overviewOf, queueOf, sourcesOf, tenantsOf, workerOf } from './made-up.js'
import { parsePage } from './prometheus-text.js'

const supervisor = {
  ...{ id: 'here:9:token', pid: 9, host: 'here', state: 'working' as const, startedAt: AT, seenAt: AT },
  ...{ min: 1, max: 8, ceiling: 6, workers: 4, targetWaitS: 30, scalings: [] },
}
const job = { queue: 'sync' as const, id: 'j', name: 'SyncTenantFeeds', tenantId: 7 }

const BUSY: Partial<Overview> = {
  queues: [
    queueOf('sync', {
      waiting: 12,
      active: 3,
      delayed: 2,
      failed: 1,
      oldestWaitMs: 1_500,
      processedPerS: 2.5,
      workers: 2,
      paused: true,
    }),
    queueOf('media'),
  ],
  workers: [
    workerOf(1, [cardQueue('sync', { finished: 5, failed: 1, busyMs: 2_500 })], {
      startedAt: AT + 1,
      jobs: [
        { ...job, startedAt: AT - 2_000 },
        { ...job, startedAt: AT - 9_000 },
      ],
    }),
    workerOf(2, [cardQueue('sync', { finished: 900 })], { rssBytes: 250_000_000 }),
  ],
  supervisors: [supervisor],
  run: { runId: 'r', startedAt: AT - 30_000, finishedAt: null, scheduled: true, total: 10, running: 2, ended: 5, failed: 1 },
  tenants: tenantsOf({
    states: { provisioning: 1, active: 9, suspended: 2, deleting: 0 },
    active: 9,
    paused: 4,
    failing: 3,
    syncedAt: AT,
  }),
  sources: sourcesOf({ total: 20, failing: 5, due: 4, retired: 1, failures: [{ code: 'FEED_TIMEOUT', sources: 5 }] }),
  alerts: [{ name: 'queue-wait:sync', message: 'a "long" wait', since: AT }],
}

async function pageOf(exposition: Exposition, facts: Partial<Overview> | null) {
  return parsePage(await exposition.page(facts === null ? null : overviewOf(facts)))
}

test('the page has every figure of an overview in seconds and bytes', async () => {
  const { samples } = await pageOf(new Exposition(AT), BUSY)
  expect(samples).toMatchObject({
    feedctl_up: 1,
    'feedctl_queue_waiting{queue="sync"}': 12,
    'feedctl_queue_waiting{queue="media"}': 0,
    'feedctl_queue_active{queue="sync"}': 3,
    'feedctl_queue_delayed{queue="sync"}': 2,
    'feedctl_queue_failed{queue="sync"}': 1,
    'feedctl_queue_oldest_wait_seconds{queue="sync"}': 1.5,
    'feedctl_queue_jobs_per_second{queue="sync"}': 2.5,
    'feedctl_queue_paused{queue="sync"}': 1,
    'feedctl_queue_paused{queue="media"}': 0,
    'feedctl_workers{queue="sync"}': 2,
    'feedctl_worker_rss_bytes{worker="here:2"}': 250_000_000,
    'feedctl_worker_job_age_seconds{worker="here:1"}': 9,
    'feedctl_worker_job_age_seconds{worker="here:2"}': 0,
    'feedctl_supervisor_workers{supervisor="here:9"}': 4,
    'feedctl_supervisor_ceiling{supervisor="here:9"}': 6,
    'feedctl_run_tenants{state="waiting"}': 3,
    'feedctl_run_tenants{state="running"}': 2,
    'feedctl_run_tenants{state="done"}': 4,
    'feedctl_run_tenants{state="failed"}': 1,
    feedctl_run_age_seconds: 30,
    feedctl_sync_last_success_timestamp_seconds: AT / 1_000,
    'feedctl_tenants{state="active"}': 5,
    'feedctl_tenants{state="paused"}': 4,
    'feedctl_tenants{state="suspended"}': 2,
    feedctl_tenants_failing: 3,
    'feedctl_sources{state="well"}': 14,
    'feedctl_sources{state="failing"}': 5,
    'feedctl_sources{state="retired"}': 1,
    feedctl_sources_due: 4,
    'feedctl_sources_failing{code="FEED_TIMEOUT"}': 5,
    'feedctl_alert{name="queue-wait:sync"}': 1,
    'feedctl_jobs_finished_total{queue="sync"}': 5,
    'feedctl_jobs_failed_total{queue="sync"}': 1,
    'feedctl_jobs_busy_seconds_total{queue="sync"}': 2.5,
  })
})

test('every name has a type and words for it, and no figure goes without a sample', async () => {
  const { samples, types } = await pageOf(new Exposition(AT), BUSY)
  const sampled = new Set(Object.keys(samples).map(key => key.split('{')[0]))
  expect(FIGURES.map(figure => figure.name).filter(name => !sampled.has(name))).toEqual([])
  expect(Object.keys(types).filter(name => !sampled.has(name))).toEqual([])
  const counters = Object.keys(types).filter(name => types[name] === 'counter')
  expect(counters).toEqual(['feedctl_jobs_finished_total', 'feedctl_jobs_failed_total', 'feedctl_jobs_busy_seconds_total'])
})

test('the failures that are summed are those of jobs, not of attempts that are tried again', async () => {
  const text = await new Exposition(AT).page(overviewOf(BUSY))
  expect(text).toContain('# HELP feedctl_jobs_failed_total Jobs that failed for good')
})

test('what is not there any more is gone from the page, and what has no value is not 0', async () => {
  const exposition = new Exposition(AT)
  await pageOf(exposition, BUSY)
  const { samples } = await pageOf(exposition, { tenants: tenantsOf({ syncedAt: null }) })
  const left = Object.keys(samples).filter(key => /alert|worker|supervisor|run_tenants|last_success/.test(key))
  expect(left).toEqual([])
  expect(samples).toMatchObject({ feedctl_run_age_seconds: 0, 'feedctl_sources{state="well"}': 10 })
})

test('without an overview there are only sums, which stay', async () => {
  const exposition = new Exposition(AT)
  await pageOf(exposition, BUSY)
  const { samples } = await pageOf(exposition, null)
  expect(samples).toMatchObject({ feedctl_up: 0, 'feedctl_jobs_finished_total{queue="sync"}': 5 })
  expect(Object.keys(samples).filter(key => !/^feedctl_(up|jobs_\w+_total)/.test(key))).toEqual([])
})

test('sums never fall, however often the page is read and whoever goes', async () => {
  const exposition = new Exposition(AT)
  const looks = [BUSY, BUSY, {}, { workers: [workerOf(3, [cardQueue('sync', { finished: 2 })], { startedAt: AT + 5 })] }]
  const sums: (number | undefined)[] = []
  for (const look of looks) sums.push((await pageOf(exposition, look)).samples['feedctl_jobs_finished_total{queue="sync"}'])
  expect(sums).toEqual([5, 5, 5, 7])
})

test('of very many workers the hundred largest are told of', async () => {
  const workers = Array.from({ length: 150 }, (_, pid) => workerOf(pid, [], { rssBytes: pid + 1 }))
  const { samples } = await pageOf(new Exposition(AT), { workers })
  const told = Object.keys(samples).filter(key => key.startsWith('feedctl_worker_rss_bytes'))
  expect([told.length, samples['feedctl_worker_rss_bytes{worker="here:149"}']]).toEqual([100, 150])
  expect(told).not.toContain('feedctl_worker_rss_bytes{worker="here:49"}')
})
