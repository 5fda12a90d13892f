import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startFeedServer } from '../../src/bench/feed-server/server.js'
import { deleteRedisKeys, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { countPosts } from './content.js'
import { Installation } from './installation.js'

const KEEPING = fileURLToPath(new URL('schedule-keeping.mjs', import.meta.url))
const BUILT = fileURLToPath(new URL('../../dist/src', import.meta.url))
/** Longer than a test takes, and on no night. */
const ONCE = { FEEDCTL_SYNC_EVERY_S: '3600', FEEDCTL_PRUNE_AT: '0 0 29 2 *' }
const TIMEOUT = { timeout: 60_000, interval: 50 }

/** Starts a process that keeps schedules, and resolves when Redis has them. */
async function startKeeping(env: TestEnv): Promise<void> {
  const child = spawn(process.execPath, [KEEPING, BUILT], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  onTestFinished(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  while (!said.includes('keeping\n')) {
    await Promise.race([once(child.stderr, 'data'), once(child, 'exit')])
    if (child.exitCode !== null) throw new Error(`ended: ${said}`)
  }
}

/** Two workers of the queue `maintenance`; the answer are the times, by schedule, whose job they took. */
function consume(env: TestEnv): Map<string, number[]> {
  const taken = new Map<string, number[]>()
  for (let index = 0; index < 2; index++) {
    const redis = new Redis(env.REDIS_URL ?? '', { maxRetriesPerRequest: null })
    const worker = new Worker(
      'maintenance',
      async ({ id = '' }) => {
        const [, schedule = '', at = ''] = id.split(':')
        taken.set(schedule, [...(taken.get(schedule) ?? []), Number(at)])
      },
      { connection: redis, prefix: `{${env.FEEDCTL_REDIS_PREFIX}}` },
    )
    worker.on('error', () => {})
    onTestFinished(async () => {
      await worker.close(true)
      redis.disconnect()
    })
  }
  return taken
}

/** How many intervals lie between each time and the next. */
function gapsOf(times: readonly number[] = [], everyMs: number): number[] {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted.slice(1).map((at, index) => (at - (sorted[index] ?? 0)) / everyMs)
}

test('three processes that keep the same schedules make one job of each per period, and go on when Redis was emptied', async () => {
  const env = sharedRedisEnv()
  onTestFinished(() => deleteRedisKeys(env))
  await Promise.all([startKeeping(env), startKeeping(env), startKeeping(env)])
  const taken = consume(env)
  await expect.poll(() => taken.get('seldom')?.length ?? 0, TIMEOUT).toBeGreaterThanOrEqual(5)
  for (const [schedule, everyMs] of [
    ['often', 300],
    ['seldom', 700],
  ] as const) {
    const gaps = gapsOf(taken.get(schedule), everyMs)
    expect(gaps.length).toBeGreaterThanOrEqual(4)
    // A machine that is too busy for a period leaves it out; none has two.
    expect(gaps.filter(gap => gap < 1 || !Number.isInteger(gap))).toEqual([])
    if (schedule === 'often') expect(gaps).toContain(1)
  }
  await deleteRedisKeys(env)
  taken.clear()
  await expect
    .poll(() => [taken.get('often')?.length ?? 0, taken.get('seldom')?.length ?? 0].every(times => times >= 2), TIMEOUT)
    .toBe(true)
}, 120_000)

/** Every minute, and at once: how often depends on how long the test takes. */
const TENDED = { id: 'tend-moves', fired: expect.any(Number) }

describe('schedule run', () => {
  test('as two processes begins one sync of what is due, by the worker, says so, and ends cleanly', async () => {
    await using server = await startFeedServer({ items: 2 })
    await using installation = await Installation.create({
      ...sharedRedisEnv(),
      ...ONCE,
      QUEUE_CONNECTION: 'redis',
      CACHE_DRIVER: 'redis',
    })
    await installation.createTenant('acme', [server.urlOf(1)])
    const runs = [installation.start(['schedule', 'run', '--json']), installation.start(['schedule', 'run', '--json'])]
    await Promise.all(runs.map(run => run.says('sync-due: ')))
    await Promise.all(runs.map(run => run.says('no worker does the scheduled jobs')))
    const worker = await installation.startWorker()
    await expect.poll(() => countPosts(installation), TIMEOUT).toBe(2)
    await Promise.all(runs.map(run => run.says('sync-due began; next 20')))
    const ends = await Promise.all(runs.map(run => run.end('SIGTERM')))
    for (const { exit, out } of ends) {
      expect(exit).toBe(143)
      expect(JSON.parse(out)).toMatchObject({
        driver: 'redis',
        entries: [{ id: 'sync-due', fired: 1 }, { fired: 0 }, { fired: 0 }, { fired: 0 }, TENDED],
      })
    }
    expect((await worker.end('SIGTERM')).err).not.toMatch(/ error | failed/)
  }, 90_000)

  test('without a queue syncs a tenant that is due by itself, and ends cleanly', async () => {
    await using server = await startFeedServer({ items: 3 })
    await using installation = await Installation.create(ONCE)
    await installation.createTenant('acme', [server.urlOf(1)])
    const run = installation.start(['schedule', 'run', '--json'])
    await run.says('sync-due began')
    await expect.poll(() => countPosts(installation), TIMEOUT).toBe(3)
    const { exit, out, err } = await run.end('SIGTERM')
    expect([exit, err]).toEqual([143, expect.not.stringContaining(' error ')])
    expect(JSON.parse(out)).toMatchObject({
      driver: 'sync',
      entries: [{ id: 'sync-due', fired: 1 }, { fired: 0 }, { fired: 0 }, { fired: 0 }, TENDED],
    })
    const once = await installation.run(['schedule', 'run', '--once', '--quiet'])
    expect([once.exit, once.out, once.err]).toEqual([0, '', ''])
  }, 60_000)
})
