import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { Installation } from '../e2e/installation.js'
import { failJobs, optionsOf, syncJob } from '../queues/desk-jobs.js'
import { sharedRedisEnv, type TestEnv } from '../support/drivers.js'

const onRedis = (): TestEnv => ({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' })

const AWAY = 'UNAVAILABLE: connect ECONNREFUSED 10.0.0.1:3306'

/** Two tenants, whose syncs failed: those of acme in two ways. */
async function withFailures(): Promise<Installation> {
  const installation = await Installation.create(onRedis())
  for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [])
  const options = optionsOf(installation.env)
  await failJobs(options, [syncJob(1)], () => 'JOB_TIMEOUT: not done in 900 s')
  await failJobs(options, [syncJob(1), syncJob(2)], (_, index) => AWAY.replace('.1:', `.${index + 1}:`))
  const prune = { queue: 'maintenance', name: 'PrunePosts', payload: {}, dedupeId: 'prune' } as const
  await failJobs(options, [prune], () => 'PARTIAL: 3 tenants failed')
  return installation
}

async function json(installation: Installation, ...argv: string[]) {
  const { exit, out, err } = await installation.run(['queue', ...argv, '--json'])
  expect([exit, err]).toEqual([0, ''])
  return JSON.parse(out)
}

describe('queue failed', () => {
  test('lists what failed, newest first, with the tenant and why', async () => {
    await using installation = await withFailures()
    const { failed, total } = await json(installation, 'failed')
    expect(total).toBe(4)
    expect(failed.map((job: Record<string, unknown>) => [job.queue, job.name, job.tenant, job.reason])).toEqual([
      ['maintenance', 'PrunePosts', null, 'PARTIAL: 3 tenants failed'],
      ['sync', 'SyncTenantFeeds', 'globex', 'UNAVAILABLE: connect ECONNREFUSED 10.0.0.2:3306'],
      ['sync', 'SyncTenantFeeds', 'acme', AWAY],
      ['sync', 'SyncTenantFeeds', 'acme', 'JOB_TIMEOUT: not done in 900 s'],
    ])
    expect(Object.keys(failed[0]).sort()).toEqual(
      [
        'attempts',
        'failed_at',
        'fingerprint',
        'history',
        'id',
        'name',
        'quarantined',
        'queue',
        'reason',
        'tenant',
        'tenant_id',
      ].sort(),
    )
    expect(failed[0]).toMatchObject({ attempts: 1, quarantined: false, history: [], tenant_id: null })
    expect(failed[1].tenant_id).toBe(2)
    expect(Math.abs(Date.now() - Date.parse(failed[0].failed_at))).toBeLessThan(60_000)
    const { out } = await installation.run(['queue', 'failed'])
    expect(out).toMatch(/^ *ID +QUEUE +TENANT +AGO +TRIES +ERROR +REASON/)
    expect(out).toContain('JOB_TIMEOUT: not done in 900 s')
    const narrow = await installation.run(['queue', 'failed'], { tty: { columns: 80 } })
    for (const job of failed) expect(narrow.out).toContain(job.id)
  })

  test('chooses by tenant, by kind and by number, and says how many there are', async () => {
    await using installation = await withFailures()
    const acme = await json(installation, 'failed', '--tenant', 'acme')
    expect([acme.total, acme.failed.length]).toEqual([2, 2])
    const kind = acme.failed[0].fingerprint
    const both = await json(installation, 'failed', '--error', kind)
    expect(both.failed.map((job: { tenant: string }) => job.tenant)).toEqual(['globex', 'acme'])
    expect(await json(installation, 'failed', '--error', kind, '--tenant', 'globex')).toMatchObject({ total: 1 })
    const one = await json(installation, 'failed', '--limit', '1')
    expect([one.total, one.failed.length]).toEqual([4, 1])
    expect((await installation.run(['queue', 'failed', '--limit', '1'])).out).toContain('3 more')
    expect(await installation.run(['queue', 'failed', '--tenant', 'nobody'])).toMatchObject({ exit: 4 })
    expect(await installation.run(['queue', 'failed', '--error', 'no print'])).toMatchObject({ exit: 2 })
  })

  test('groups them by kind, the most frequent first', async () => {
    await using installation = await withFailures()
    const { groups } = await json(installation, 'failed', '--group')
    expect(groups).toMatchObject([
      { count: 2, tenants: 2, example: 'UNAVAILABLE: connect ECONNREFUSED 10.0.0.2:3306', quarantined: 0 },
      { count: 1, tenants: 0, example: 'PARTIAL: 3 tenants failed' },
      { count: 1, tenants: 1, example: 'JOB_TIMEOUT: not done in 900 s' },
    ])
    expect(Date.parse(groups[0].first_at)).toBeLessThanOrEqual(Date.parse(groups[0].last_at))
    expect(groups[0].fingerprint).toMatch(/^[0-9a-f]{8}$/)
    expect((await json(installation, 'failed', '--group', '--tenant', 'globex')).groups).toMatchObject([{ count: 1 }])
    const { out } = await installation.run(['queue', 'failed', '--group'])
    expect(out).toContain(`feedctl queue retry --error ${groups[0].fingerprint}`)
  })

  test('tells whose they were also when the tenant is gone', async () => {
    await using installation = await Installation.create(onRedis())
    await failJobs(optionsOf(installation.env), [syncJob(77)], () => AWAY)
    expect((await json(installation, 'failed')).failed).toMatchObject([{ tenant: null, tenant_id: 77 }])
    expect((await installation.run(['queue', 'failed'])).out).toMatch(/ sync +77 /)
    expect((await json(installation, 'retry', '--all', '--dry-run')).jobs).toMatchObject([{ tenant: null, tenant_id: 77 }])
  })

  test('says so when there are none', async () => {
    await using installation = await Installation.create(onRedis())
    expect(await json(installation, 'failed')).toEqual({ failed: [], total: 0 })
    expect(await json(installation, 'failed', '--group')).toEqual({ groups: [] })
    expect((await installation.run(['queue', 'failed'])).out).toBe('no failed jobs\n')
  })
})

describe('where jobs run in the command that begins them', () => {
  test('queue failed tells the tenants whose sync failed as a whole, and queue retry syncs them', async () => {
    await using server = await startFeedServer({ items: 2 })
    await using installation = await Installation.create({})
    for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [server.urlOf(1)])
    const file = join(installation.env.FEEDCTL_DATA ?? '', 'databases', 'tenant_acme.db')
    renameSync(file, `${file}.away`)
    expect((await installation.sync('--all')).exit).toBe(6)
    const { failed, total } = await json(installation, 'failed')
    expect(total).toBe(1)
    expect(failed).toMatchObject([{ id: 'tenant:1', queue: 'sync', name: 'SyncTenantFeeds', tenant: 'acme', attempts: 1 }])
    expect(failed[0].reason).toMatch(/^[A-Z_]+: ./)
    const { groups } = await json(installation, 'failed', '--group')
    expect(groups).toMatchObject([{ count: 1, tenants: 1, example: failed[0].reason, fingerprint: failed[0].fingerprint }])

    expect(await json(installation, 'retry', '--all', '--dry-run')).toMatchObject({ retried: 1, dry_run: true })
    expect(await json(installation, 'failed')).toMatchObject({ total: 1 })
    expect(await installation.run(['queue', 'retry', 'tenant:1'])).toMatchObject({ exit: 6 })
    expect(await json(installation, 'failed')).toMatchObject({ total: 1, failed: [{ attempts: 2 }] })
    renameSync(`${file}.away`, file)
    expect(await installation.run(['queue', 'retry', 'tenant:2'])).toMatchObject({ exit: 4 })
    expect(await installation.run(['queue', 'retry', '--all', '--rate', '5'])).toMatchObject({ exit: 2 })
    const retried = await json(installation, 'retry', '--error', failed[0].fingerprint, '--progress', 'none')
    expect(retried).toMatchObject({ retried: 1, skipped: 0, dry_run: false, jobs: [{ tenant: 'acme' }] })
    expect(await json(installation, 'failed')).toEqual({ failed: [], total: 0 })
    expect(await json(installation, 'retry', '--all')).toMatchObject({ retried: 0, jobs: [] })
  })

  test('what needs a queue is refused with the setting that gives one', async () => {
    await using installation = await Installation.create({})
    for (const argv of [['forget', '--all'], ['drain'], ['pause'], ['resume', '--queue', 'sync']]) {
      const { exit, err } = await installation.run(['queue', ...argv, '--yes'])
      expect([exit, err]).toEqual([3, expect.stringContaining('QUEUE_CONNECTION=redis')])
    }
  })
})
