import { describe, expect, test } from 'vitest'
import { statusWords } from '../../commands/queue/status-words.js'
import { PLAIN } from '../../src/cli/style.js'
import { thisProcess } from '../../src/kernel/holder.js'
import { AT, overviewOf, supervisorCard } from '../cli/screens/overviews.js'
import { Installation } from '../e2e/installation.js'
import { type Publisher, startPublisher } from '../e2e/publisher.js'
import { addJobs, failJobs, optionsOf, syncJob } from '../queues/desk-jobs.js'
import { sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'

const onRedis = (): TestEnv => ({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' })

interface Health {
  readonly queue: string
  readonly consuming: boolean
  readonly after_ms: number | null
  readonly why: string
}

async function health(installation: Installation, ...flags: string[]): Promise<{ exit: number; health: Health[]; err: string }> {
  const { exit, out, err } = await installation.run(['queue', 'status', '--health', '--json', ...flags])
  return { exit, health: out === '' ? [] : JSON.parse(out).health, err }
}

/** A publisher that never ends its answers, and a worker with one slot that waits for it. */
async function busyWorker(installation: Installation, publisher: Publisher) {
  await installation.createTenant('acme', [publisher.urlOf('/slow.xml')])
  const worker = await installation.startWorker(['--queue', 'sync', '--concurrency', '1'])
  expect(await installation.run(['sync', 'acme', '--detach'])).toMatchObject({ exit: 0 })
  await expect.poll(() => publisher.asked.length, { timeout: 20_000 }).toBe(1)
  return worker
}

describe('queue status', () => {
  test('shows every queue, and is the contract of scripts', async () => {
    await using installation = await Installation.create(onRedis())
    const options = optionsOf(installation.env)
    await failJobs(options, [syncJob(9)], () => 'UNAVAILABLE: away')
    await addJobs(options, [syncJob(1), syncJob(2)])
    await installation.run(['queue', 'pause', '--queue', 'media'])
    const { exit, out } = await installation.run(['queue', 'status', '--json'])
    expect(exit).toBe(0)
    const document = JSON.parse(out)
    expect(Object.keys(document)).toEqual(['driver', 'queues', 'supervisors', 'workers', 'run', 'alerts'])
    expect(document).toMatchObject({ driver: 'redis', supervisors: [], workers: [], run: null, alerts: [] })
    const [sync, media] = document.queues
    expect(document.queues.map((queue: { name: string }) => queue.name)).toEqual(['sync', 'media', 'analytics', 'maintenance'])
    expect(sync).toMatchObject({ waiting: 2, active: 0, delayed: 0, failed: 1, processed_per_s: 0, workers: 0, paused: false })
    expect(sync.oldest_wait_ms).toBeGreaterThan(0)
    expect(media).toMatchObject({ waiting: 0, oldest_wait_ms: 0, paused: true })
    const text = (await installation.run(['queue', 'status'])).out
    expect(text).toMatch(/^QUEUE +WAITING +ACTIVE +DELAYED +FAILED +OLDEST +PER S +WORKERS +STATE\nsync +2 +0 +0 +1 /)
    expect(text).toMatch(/media .*paused/)
    expect(text).toContain('no workers: feedctl queue work')
    const one = JSON.parse((await installation.run(['queue', 'status', '--queue', 'media', '--json'])).out)
    expect(one.queues).toHaveLength(1)
  })

  test('counts 50,000 jobs that wait', { timeout: 120_000 }, async () => {
    await using installation = await Installation.create(onRedis())
    await addJobs(
      optionsOf(installation.env),
      Array.from({ length: 50_000 }, (_, n) => syncJob(n + 1)),
    )
    const { exit, out } = await installation.run(['queue', 'status', '--json'])
    const [sync, media] = JSON.parse(out).queues
    expect([exit, sync.waiting, media.waiting]).toEqual([0, 50_000, 0])
    expect(sync.oldest_wait_ms).toBeGreaterThan(0)
  })

  test('tells of supervisors in the units of scripts, as top does', async () => {
    await using installation = await Installation.create(onRedis())
    await using app = await installation.open()
    await (await app.board()).putSupervisor(supervisorCard({ id: thisProcess(), targetWaitS: 30 }))
    for (const argv of [['queue', 'status'], ['top']]) {
      const { supervisors } = JSON.parse((await installation.run([...argv, '--json'])).out)
      expect(supervisors).toMatchObject([{ target_wait_ms: 30_000 }])
      expect(Object.keys(supervisors[0])).not.toContain('target_wait_s')
    }
  })

  test('is UNAVAILABLE within seconds where Redis is away, or hangs', { timeout: 60_000 }, async () => {
    await using redis = await startRedis()
    await using installation = await Installation.create({ ...onRedis(), ...redis.env })
    const away = { REDIS_URL: 'redis://127.0.0.1:1' }
    for (const argv of [['status'], ['status', '--health'], ['failed'], ['pause'], ['retry', '--all']]) {
      const begun = performance.now()
      expect(await installation.run(['queue', ...argv], { env: away })).toMatchObject({ exit: 5 })
      expect(performance.now() - begun).toBeLessThan(10_000)
    }
    redis.pause()
    const begun = performance.now()
    expect(await installation.run(['queue', 'status', '--health'])).toMatchObject({ exit: 5 })
    expect(performance.now() - begun).toBeLessThan(15_000)
    redis.resume()
  })

  test('tells what the rows say where jobs run in the command that begins them, and finds nothing that stands still', async () => {
    await using installation = await Installation.create({})
    const { exit, health: found } = await health(installation)
    expect([exit, found.length]).toEqual([0, 4])
    expect(found.every(({ consuming }) => consuming)).toBe(true)
    expect((await installation.run(['queue', 'status'])).out).toContain('jobs run in the command that begins them')
  })
})

test.each(['why', 'message', 'host'])('what moves the cursor is shown, not sent: in the %s of others', what => {
  const words = (key: string) => (key === what ? 'a\u001b[2Jb\nc' : 'd')
  const supervisor = supervisorCard({ host: words('host'), scalings: [{ at: AT, from: 1, to: 2, why: words('why') }] })
  const alerts = [{ name: 'x', message: words('message'), since: AT }]
  const text = statusWords(overviewOf({ supervisors: [supervisor], alerts }), null, PLAIN)
  expect(text).toContain('a\\u001b[2Jb\\nc')
  expect(text).not.toContain('\u001b')
})

describe('queue status --health', () => {
  test('is 8 at once without a worker, 0 with one, and 8 at once for a queue that is paused', { timeout: 60_000 }, async () => {
    await using installation = await Installation.create(onRedis())
    expect(await installation.run(['queue', 'status', '--within', '5'])).toMatchObject({ exit: 2 })
    const begun = performance.now()
    const none = await health(installation, '--within', '60')
    expect(performance.now() - begun).toBeLessThan(15_000)
    expect(none.exit).toBe(8)
    expect(none.health.map(({ consuming, why }) => [consuming, why])).toEqual(Array(4).fill([false, 'no worker']))
    expect(none.err).toContain('CHECK_FAILED')

    await installation.startWorker(['--queue', 'sync,maintenance'])
    await expect.poll(async () => (await health(installation, '--queue', 'sync,maintenance')).exit, { timeout: 30_000 }).toBe(0)
    const some = await health(installation)
    expect(some.exit).toBe(8)
    expect(some.health.map(({ queue, consuming }) => [queue, consuming])).toEqual([
      ['sync', true],
      ['media', false],
      ['analytics', false],
      ['maintenance', true],
    ])
    expect(some.health[0]?.after_ms).toBeGreaterThanOrEqual(0)
    const words = await installation.run(['queue', 'status', '--health', '--queue', 'sync'])
    expect(words.out).toMatch(/sync: consuming \(a worker has taken a job after (\d+ ms|\d+\.\d s)\)/)
    expect(words.out).toMatch(/1 worker on 1 machine, 0 jobs under way/)

    await installation.run(['queue', 'pause', '--queue', 'sync'])
    const paused = await health(installation, '--queue', 'sync', '--within', '60')
    expect(paused).toMatchObject({ exit: 8, health: [{ consuming: false, why: 'paused' }] })
    expect(paused.err).toContain('feedctl queue resume --queue sync')
  })

  test('is 0 while all slots are busy with jobs of a live worker, and 8 once that is frozen', { timeout: 90_000 }, async () => {
    await using publisher = await startPublisher(() => {})
    await using installation = await Installation.create(onRedis())
    const worker = await busyWorker(installation, publisher)
    const busy = await health(installation, '--queue', 'sync')
    expect(busy).toMatchObject({ exit: 0, health: [{ consuming: true, after_ms: null, why: 'its one slot is busy' }] })
    process.kill(worker.pid, 'SIGSTOP')
    const frozen = await health(installation, '--queue', 'sync', '--within', '2')
    expect(frozen).toMatchObject({
      exit: 8,
      health: [{ consuming: false, why: expect.stringMatching(/sign of life|no worker/) }],
    })
    process.kill(worker.pid, 'SIGCONT')
    await expect
      .poll(async () => (await health(installation, '--queue', 'sync', '--within', '2')).exit, { timeout: 30_000 })
      .toBe(0)
    expect(JSON.parse((await installation.run(['queue', 'status', '--json'])).out).queues[0].waiting).toBe(0)
  })
})
