import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { loadConfig } from '../../src/kernel/config.js'
import { isFailure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { JobSchedules } from '../../src/queues/index.js'
import { openRedis } from '../../src/redis/connection.js'
import { deleteRedisKeys, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { startRedis } from '../support/redis.js'

const LOG = new Log(() => {})
const HOUR_MS = 3_600_000
const TIMEOUT = { timeout: 20_000, interval: 20 }
const used: TestEnv[] = []
afterEach(async () => {
  for (const env of used.splice(0)) await deleteRedisKeys(env)
})

function fresh(): TestEnv {
  const env = sharedRedisEnv()
  used.push(env)
  return env
}

/** One process that keeps schedules, as far as Redis can tell. */
function schedulesOf(env: TestEnv): JobSchedules {
  const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
  const schedules = new JobSchedules({
    connect: purpose => openRedis(config, LOG, purpose),
    prefix: config.redisPrefix,
    log: LOG,
  })
  onTestFinished(() => schedules.close())
  return schedules
}

function redisOf(env: TestEnv): Redis {
  const redis = new Redis(env.REDIS_URL ?? '', { maxRetriesPerRequest: null })
  onTestFinished(() => redis.disconnect())
  return redis
}

/** Workers that take the jobs of `maintenance`; the answer are the jobs they took. */
function consume(
  env: TestEnv,
  workers = 1,
  deed: (name: string) => Promise<void> = async () => {},
): { id: string; name: string; data: unknown; opts: unknown }[] {
  const taken: { id: string; name: string; data: unknown; opts: unknown }[] = []
  for (let index = 0; index < workers; index++) {
    const worker = new Worker(
      'maintenance',
      async ({ id = '', name, data, opts }) => {
        taken.push({ id, name, data, opts })
        await deed(name)
      },
      { connection: redisOf(env), prefix: `{${env.FEEDCTL_REDIS_PREFIX}}` },
    )
    worker.on('error', () => {})
    onTestFinished(() => worker.close(true))
  }
  return taken
}

/** Does the deed in a process whose clock is ahead by so much; that of Redis is right. */
async function withClockAhead(ms: number, deed: () => Promise<void>): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
  try {
    await deed()
  } finally {
    vi.useRealTimers()
  }
}

const key = (env: TestEnv, name: string) => `{${env.FEEDCTL_REDIS_PREFIX}}:maintenance:${name}`
const jobsThere = async (env: TestEnv) => {
  const redis = redisOf(env)
  const delayed = await redis.zrange(key(env, 'delayed'), 0, -1)
  return { waiting: await redis.lrange(key(env, 'wait'), 0, -1), delayed }
}

describe('a schedule', () => {
  it('by an interval fires at once and then once per interval, with an empty payload', async () => {
    const env = fresh()
    const schedules = schedulesOf(env)
    await schedules.put({ id: 'tick', name: 'Tick', everyMs: 200 })
    const begun = Date.now()
    const taken = consume(env)
    await expect.poll(() => taken.length, TIMEOUT).toBeGreaterThanOrEqual(4)
    const periods = Math.ceil((Date.now() - begun) / 200) + 1
    expect(taken.length).toBeLessThanOrEqual(periods)
    expect(new Set(taken.map(job => job.id)).size).toBe(taken.length)
    expect(taken[0]).toMatchObject({
      name: 'Tick',
      data: {},
      opts: { attempts: 1_000, backoff: { type: 'custom' }, removeOnComplete: true },
    })
  })

  it('by a pattern fires at its next time, UTC', async () => {
    const env = fresh()
    const schedules = schedulesOf(env)
    const hour = new Date(Date.now() + 2 * HOUR_MS).getUTCHours()
    await schedules.put({ id: 'nightly', name: 'Nightly', pattern: `30 ${hour} * * *` })
    const [standing] = await schedules.list()
    const next = new Date(standing?.nextAt ?? 0)
    expect([standing?.id, standing?.name, next.getUTCHours(), next.getUTCMinutes()]).toEqual(['nightly', 'Nightly', hour, 30])
    expect(next.getTime()).toBeGreaterThan(Date.now())
    expect((await jobsThere(env)).waiting).toEqual([])
  })

  it('that is put again unchanged, by whoever, keeps its time and its job, be that delayed or waiting', async () => {
    const env = fresh()
    const [mine, theirs] = [schedulesOf(env), schedulesOf(env)]
    const entries = [
      { id: 'soon', name: 'Soon', everyMs: HOUR_MS },
      { id: 'later', name: 'Later', pattern: '0 0 1 1 *' },
    ]
    for (const entry of entries) await mine.put(entry)
    const before = [await mine.list(), await jobsThere(env)]
    await Promise.all([mine, theirs, mine, theirs].flatMap(side => entries.flatMap(entry => [side.put(entry), side.mend(entry)])))
    expect([await theirs.list(), await jobsThere(env)]).toEqual(before)
    expect(before[1]).toMatchObject({ waiting: [expect.stringContaining('soon')], delayed: [expect.stringContaining('later')] })
  })

  it('that many processes put at once on an empty Redis fires once', async () => {
    const env = fresh()
    const taken = consume(env, 3)
    const sides = [1, 2, 3, 4, 5].map(() => schedulesOf(env))
    await Promise.all(sides.map(side => side.put({ id: 'race', name: 'Race', everyMs: HOUR_MS })))
    await expect.poll(() => taken.length, TIMEOUT).toBe(1)
    await Promise.all(sides.map(side => side.put({ id: 'race', name: 'Race', everyMs: HOUR_MS })))
    await expect.poll(async () => (await jobsThere(env)).delayed.length, TIMEOUT).toBe(1)
    expect([taken.length, (await jobsThere(env)).waiting]).toEqual([1, []])
  })

  it('takes a changed interval, pattern and job, and drops none of its jobs', async () => {
    const env = fresh()
    const schedules = schedulesOf(env)
    await schedules.put({ id: 'entry', name: 'Old', pattern: '0 0 1 1 *' })
    await schedules.put({ id: 'entry', name: 'New', everyMs: HOUR_MS })
    expect(await schedules.list()).toMatchObject([{ id: 'entry', name: 'New' }])
    expect(await jobsThere(env)).toMatchObject({ waiting: [expect.any(String)], delayed: [] })
    await schedules.put({ id: 'entry', name: 'New', everyMs: 100 })
    const taken = consume(env)
    await expect.poll(() => taken.length, TIMEOUT).toBeGreaterThanOrEqual(3)
    expect(new Set(taken.map(job => job.name))).toEqual(new Set(['New']))
  })

  it.each(['put', 'mend'] as const)('whose worker had a clock two hours ahead begins anew when it is %s', async deed => {
    const env = fresh()
    const schedules = schedulesOf(env)
    const entry = { id: 'tick', name: 'Tick', everyMs: HOUR_MS }
    await schedules.put(entry)
    let taken: unknown[] = []
    await withClockAhead(2 * HOUR_MS, async () => {
      taken = consume(env)
      await expect.poll(async () => (await jobsThere(env)).delayed.length, TIMEOUT).toBe(1)
    })
    expect((await schedules.list())[0]?.nextAt).toBeGreaterThan(Date.now() + 1.5 * HOUR_MS)
    await schedules[deed](entry)
    await expect.poll(() => taken, TIMEOUT).toHaveLength(2)
    await expect.poll(async () => (await jobsThere(env)).delayed.length, TIMEOUT).toBe(1)
    expect((await schedules.list())[0]?.nextAt).toBeLessThanOrEqual(Date.now() + HOUR_MS)
  })

  it.each([
    'put',
    'mend',
  ] as const)('of a pattern that was put by a clock a year ahead fires at its next time when it is %s', async deed => {
    const env = fresh()
    const schedules = schedulesOf(env)
    const entry = { id: 'yearly', name: 'Yearly', pattern: '0 0 1 1 *' }
    await withClockAhead(366 * 24 * HOUR_MS, () => schedules.put(entry))
    await schedules[deed](entry)
    const next = new Date((await schedules.list())[0]?.nextAt ?? 0)
    expect(next.getUTCFullYear()).toBe(new Date().getUTCFullYear() + 1)
    expect((await jobsThere(env)).delayed).toHaveLength(1)
  })

  it('never has more than one job that waits, however long nobody takes it', async () => {
    const env = fresh()
    const schedules = schedulesOf(env)
    await schedules.put({ id: 'tick', name: 'Tick', everyMs: 50 })
    await schedules.put({ id: 'alarm', name: 'Alarm', everyMs: HOUR_MS })
    let release: () => void = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const taken = consume(env, 1, () => held)
    await expect.poll(() => taken.length, TIMEOUT).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 500))
    const { waiting, delayed } = await jobsThere(env)
    expect(waiting.length + delayed.length).toBeLessThanOrEqual(2)
    release()
  })
})

describe('schedules', () => {
  it('are removed with their waiting jobs, the others stay, and what is not there is no matter', async () => {
    const env = fresh()
    const schedules = schedulesOf(env)
    for (const id of ['keep', 'keep-2', 'drop']) await schedules.put({ id, name: 'Job', pattern: '0 0 1 1 *' })
    await schedules.remove('nothing')
    expect(await schedules.removeOthers(['keep', 'keep-2', 'new'])).toEqual(['drop'])
    expect((await schedules.list()).map(({ id }) => id).sort()).toEqual(['keep', 'keep-2'])
    await schedules.remove('keep')
    const { delayed } = await jobsThere(env)
    expect(delayed).toEqual([expect.stringContaining('keep-2')])
  })

  it('whose next job was lost go on when they are mended, and another’s interval is left alone', async () => {
    const env = fresh()
    const schedules = schedulesOf(env)
    await schedules.put({ id: 'lost', name: 'Lost', everyMs: HOUR_MS })
    const redis = redisOf(env)
    const [id = ''] = (await jobsThere(env)).waiting
    await redis.lrem(key(env, 'wait'), 1, id)
    await redis.del(key(env, id))
    await schedules.mend({ id: 'lost', name: 'Lost', everyMs: 2 * HOUR_MS })
    expect([...Object.values(await jobsThere(env))].flat()).toHaveLength(1)
    const before = await schedules.list()
    await schedules.mend({ id: 'lost', name: 'Lost', everyMs: HOUR_MS })
    expect(await schedules.list()).toEqual(before)
  })

  it('say within seconds that Redis is away', async () => {
    await using server = await startRedis()
    const schedules = schedulesOf({ ...server.env, FEEDCTL_REDIS_PREFIX: 'gone' })
    await schedules.list()
    await server.kill()
    const deeds = [
      schedules.list(),
      schedules.put({ id: 'x', name: 'X', everyMs: 1_000 }),
      schedules.remove('x'),
      schedules.removeOthers([]),
    ]
    const ends = await Promise.allSettled(deeds)
    expect(ends.map(end => end.status === 'rejected' && isFailure(end.reason, 'UNAVAILABLE'))).toEqual([true, true, true, true])
  })
})
