import { describe, expect, test } from 'vitest'
import { paceMs } from '../../commands/queue/pace.js'
import { Interruption } from '../../src/cli/interruption.js'
import { Quarantine } from '../../src/queues/quarantine.js'
import { Installation } from '../e2e/installation.js'
import { addJobs, consume, failJobs, optionsOf, syncJob } from '../queues/desk-jobs.js'
import { sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'

const onRedis = (): TestEnv => ({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' })

interface Listed {
  readonly id: string
  readonly tenant: string
  readonly fingerprint: string
}

/** Tenants acme-1 to acme-n, each with a failed sync; those with an even number failed in another way. */
async function withFailures(tenants: number, env: TestEnv = {}): Promise<Installation> {
  const installation = await Installation.create({ ...onRedis(), ...env })
  for (let n = 1; n <= tenants; n++) await installation.createTenant(`acme-${n}`, [])
  const jobs = Array.from({ length: tenants }, (_, n) => syncJob(n + 1))
  await failJobs(optionsOf(installation.env), jobs, (_, index) => (index % 2 === 0 ? 'JOB_TIMEOUT: late' : 'UNAVAILABLE: away'))
  return installation
}

async function listed(installation: Installation): Promise<Listed[]> {
  return JSON.parse((await installation.run(['queue', 'failed', '--json'])).out).failed
}

async function json(installation: Installation, ...argv: string[]) {
  const { exit, out, err } = await installation.run(['queue', ...argv, '--json', '--progress', 'none'])
  expect([exit, err]).toEqual([0, ''])
  return JSON.parse(out)
}

describe('queue retry', () => {
  test('needs a choice, and one only', async () => {
    await using installation = await Installation.create(onRedis())
    for (const argv of [[], ['--dry-run'], ['x', '--all'], ['x', '--tenant', 'acme'], ['x', '--error', '01234567']]) {
      expect(await installation.run(['queue', 'retry', ...argv])).toMatchObject({ exit: 2 })
    }
  })

  test('puts the named ones back, names those it does not know, and leaves the others', async () => {
    await using installation = await withFailures(3)
    const jobs = await listed(installation)
    const [third, second] = jobs
    const { exit, out, err } = await installation.run(['queue', 'retry', third?.id ?? '', 'nothing', second?.id ?? '', '--json'])
    expect(exit).toBe(4)
    expect(JSON.parse(out)).toMatchObject({ retried: 2, skipped: 0, dry_run: false })
    expect(JSON.parse(out).jobs.map((job: Listed) => job.tenant)).toEqual(['acme-3', 'acme-2'])
    expect(err).toContain('JOB_NOT_FOUND')
    expect(err).toContain('nothing')
    expect((await listed(installation)).map(job => job.tenant)).toEqual(['acme-1'])
    expect(await consume(optionsOf(installation.env), 'sync', 2)).toEqual(['tenant:3', 'tenant:2'])
  })

  test('puts back those of a tenant, of a kind, of both, or all', async () => {
    await using installation = await withFailures(5)
    const print = (await listed(installation)).find(job => job.tenant === 'acme-1')?.fingerprint ?? ''
    expect(await json(installation, 'retry', '--error', print, '--tenant', 'acme-2')).toMatchObject({ retried: 0, jobs: [] })
    expect(await json(installation, 'retry', '--error', print, '--tenant', 'acme-3')).toMatchObject({ retried: 1 })
    expect(await json(installation, 'retry', '--tenant', 'acme-2')).toMatchObject({ retried: 1 })
    expect(await json(installation, 'retry', '--error', print, '--dry-run')).toMatchObject({ retried: 2, dry_run: true })
    expect((await listed(installation)).map(job => job.tenant)).toEqual(['acme-5', 'acme-4', 'acme-1'])
    expect(await json(installation, 'retry', '--error', print)).toMatchObject({ retried: 2, dry_run: false })
    expect(await json(installation, 'retry', '--all')).toMatchObject({ retried: 1 })
    expect(await listed(installation)).toEqual([])
    expect(new Set(await consume(optionsOf(installation.env), 'sync', 5)).size).toBe(5)
  })

  test('keeps to its rate, shows how far it is, and stops between two', async () => {
    await using installation = await withFailures(20)
    const paced = await installation.run(['queue', 'retry', '--tenant', 'acme-6', '--rate', '1', '--dry-run'])
    expect(paced.out).toMatch(/^would retry 1 job\n {2}\S{22} sync SyncTenantFeeds acme-6: UNAVAILABLE: away\n$/)
    expect(paced.err).toBe('')

    const stop = new AbortController()
    const begun = performance.now()
    const argv = ['queue', 'retry', '--all', '--rate', '2', '--json', '--progress', 'json']
    const run = installation.run(argv, { signal: stop.signal })
    await expect.poll(async () => (await listed(installation)).length, { timeout: 20_000 }).toBeLessThan(19)
    stop.abort(new Interruption('SIGINT'))
    const { exit, out, err } = await run
    expect(exit).toBe(130)
    const { retried } = JSON.parse(out)
    expect(retried).toBeLessThan(20)
    expect(performance.now() - begun).toBeGreaterThan((retried - 1) * 500 - 50)
    expect(err).toMatch(/"retry".*"total":20/)
    expect(await listed(installation)).toHaveLength(20 - retried)
  })

  test.each([
    [null, 0, 0],
    [10, Number.POSITIVE_INFINITY, 0],
    [10, 0, 100],
    [10, 60, 40],
    [10, 5_000, 0],
    [0.5, 500, 1_500],
  ])('at %s per second and %i ms after the one before it waits %i ms', (perS, sinceLastMs, expected) => {
    expect(paceMs(perS, sinceLastMs)).toBe(expected)
  })

  test('tells those that wait already, and those it may not touch, apart', async () => {
    await using installation = await withFailures(3)
    const options = optionsOf(installation.env)
    await addJobs(options, [syncJob(2)])
    const [third, , first] = await listed(installation)
    const redis = options.connect('producer')
    const held = {
      queue: 'sync',
      id: 'another',
      dedupeId: 'tenant:1',
      name: 'SyncTenantFeeds',
      payload: { tenantId: 1 },
    } as const
    const why = {
      tenantId: 1,
      reason: 'JOB_QUARANTINED: 2 workers died of it',
      attempts: 0,
      failedAt: 1,
      history: ['a\u001b[2Jb'],
    }
    await new Quarantine(redis, options.prefix).put({ ...held, ...why })
    redis.disconnect()
    expect((await installation.run(['queue', 'failed'])).out).toContain('in quarantine another\n  a\\u001b[2Jb')
    const argv = ['queue', 'retry', third?.id ?? '', first?.id ?? '', (await listed(installation))[1]?.id ?? '']
    expect((await installation.run(argv)).out).toBe('retried 1 job, 1 queued already, 1 left out\n')
    expect((await listed(installation)).map(job => job.id)).toEqual([first?.id, 'another'])
    const counts = { retried: 0, already_queued: 0, skipped: 1 }
    expect(await json(installation, 'retry', first?.id ?? '')).toEqual({ ...counts, dry_run: false, jobs: [] })
  })

  test('reports what was done before Redis went away', async () => {
    await using redis = await startRedis()
    await using installation = await withFailures(20, redis.env)
    const run = installation.run(['queue', 'retry', '--all', '--rate', '1', '--json', '--progress', 'none'])
    await expect.poll(async () => (await listed(installation)).length, { timeout: 20_000 }).toBeLessThan(20)
    await redis.stop()
    const { exit, out, err } = await run
    expect([exit, err]).toEqual([5, expect.stringContaining('UNAVAILABLE')])
    const { retried, jobs } = JSON.parse(out)
    expect(retried).toBeGreaterThan(0)
    expect(jobs).toHaveLength(retried)
    await redis.start()
  })
})

describe('queue forget', () => {
  test('asks for a yes, removes what was chosen and leaves the rest', async () => {
    await using installation = await withFailures(4)
    const [fourth, , second] = await listed(installation)
    const refused = await installation.run(['queue', 'forget', '--all'])
    expect(refused).toMatchObject({ exit: 2, err: expect.stringContaining('--yes') })
    expect(await listed(installation)).toHaveLength(4)
    expect(await json(installation, 'forget', fourth?.id ?? '', '--yes')).toMatchObject({ forgotten: 1, skipped: 0 })
    expect(await json(installation, 'forget', '--error', second?.fingerprint ?? '', '--yes')).toMatchObject({ forgotten: 1 })
    expect(await json(installation, 'forget', '--tenant', 'acme-3', '--yes')).toMatchObject({ forgotten: 1 })
    expect((await listed(installation)).map(job => job.tenant)).toEqual(['acme-1'])
    expect(await installation.run(['queue', 'forget', fourth?.id ?? '', '--yes'])).toMatchObject({ exit: 4 })
    expect(await json(installation, 'forget', '--all', '--yes')).toMatchObject({ forgotten: 1 })
    expect(await json(installation, 'status')).toMatchObject({ queues: [{ waiting: 0, failed: 0 }, {}, {}, {}] })
  })
})
