import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/app.js'
import { contentChanged } from '../../src/tenants/content-version.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'
import { type MariadbServer, startMariadb } from '../support/mariadb.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import { type Answer, errorCode } from './ground.js'
import { answerCounts, OwnRoute, textOf } from './own-route.js'
import { PATIENT, withPatientRedis } from './patient-redis.js'

/** Nobody waits longer for a part that is away or silent, on a busy machine. */
const PATIENCE_MS = 20_000
const TIMEOUT_MS = 180_000

async function tokenOf(installation: Installation, slug: string): Promise<string> {
  const made = await installation.run(['tenant', 'create', slug, '--placement', 'shared', '--json'])
  return (JSON.parse(made.out) as { token: string }).token
}

/** What the catalog says is part of the answer: without the database there is none. */
async function fromDatabase({ catalog }: App, url: string): Promise<unknown> {
  const row = await catalog.kysely.selectFrom('tenants').select('content_version').executeTakeFirstOrThrow()
  return { url, version: row.content_version }
}

/** How many answers are in Redis. */
async function sharedAnswers({ REDIS_URL: url = '', FEEDCTL_REDIS_PREFIX: prefix }: TestEnv): Promise<number> {
  const client = new Redis(url)
  try {
    return (await client.keys(`${prefix}:cache:answer:*`)).length
  } finally {
    client.disconnect()
  }
}

async function changed({ catalog }: App): Promise<void> {
  await contentChanged(catalog, (await getTenant(catalog, parseSlug('acme'))).id)
}

/** Asks again and again until it is stopped; answers how long the slowest took, and which statuses there were. */
function under(load: () => Promise<Answer>): { stop(): Promise<{ slowestMs: number; statuses: Set<number> }> } {
  let going = true
  let slowestMs = 0
  const statuses = new Set<number>()
  const client = async () => {
    while (going) {
      const begun = performance.now()
      statuses.add((await load()).status)
      slowestMs = Math.max(slowestMs, performance.now() - begun)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
  const clients = Promise.all(Array.from({ length: 5 }, client))
  return {
    stop: async () => {
      going = false
      await clients
      return { slowestMs, statuses }
    },
  }
}

let mariadb: MariadbServer
let redis: RedisServer

beforeAll(async () => {
  ;[mariadb, redis] = await Promise.all([startMariadb(), startRedis()])
})

afterAll(async () => {
  await Promise.all([mariadb.dispose(), redis.dispose()])
})

describe('the database', () => {
  const settings = { FEEDCTL_API_CACHE_TTL_S: '1', FEEDCTL_API_RATE: '0' }

  test('is stopped under load: what is kept is sent as stale, what is not is 503, and all is fresh when it is back', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using installation = await Installation.create({ ...sharedMariadbEnv(), ...mariadb.env, ...settings })
    await using app = await installation.open()
    await using own = await OwnRoute.serve(app, url => fromDatabase(app, url))
    const token = await tokenOf(installation, 'acme')
    const before = textOf(await own.get(token, '/v1/own?kept'))
    const load = under(() => own.get(token, '/v1/own?kept'))
    await mariadb.stop()
    await expect.poll(async () => (await own.get(token, '/v1/own?kept')).headers['x-feedctl-stale']).toBe('1')
    const stale = await own.get(token, '/v1/own?kept')
    expect([stale.status, textOf(stale)]).toEqual([200, before])
    expect(Number(stale.headers.age)).toBeGreaterThanOrEqual(1)
    const missing = await own.get(token, '/v1/own?missing')
    expect([missing.status, errorCode(missing)]).toEqual([503, 'UNAVAILABLE'])
    expect(Number(missing.headers['retry-after'])).toBeGreaterThan(0)
    const stranger = await own.get('fct_unknown')
    expect(stranger.status).toBe(503)
    expect((await answerCounts(own.metrics)).stale).toBeGreaterThan(0)
    await mariadb.start()
    await expect.poll(async () => (await own.get(token, '/v1/own?missing')).status).toBe(200)
    await changed(app)
    const isFresh = async () => {
      const kept = await own.get(token, '/v1/own?kept')
      return textOf(kept) !== before && kept.headers['x-feedctl-stale'] === undefined
    }
    await expect.poll(isFresh).toBe(true)
    const { slowestMs, statuses } = await load.stop()
    expect(statuses).toEqual(new Set([200]))
    expect(slowestMs).toBeLessThan(PATIENCE_MS)
  })

  test('is frozen: what is kept is sent all the same, and soon', { timeout: TIMEOUT_MS }, async () => {
    await using installation = await Installation.create({ ...sharedMariadbEnv(), ...mariadb.env, ...settings })
    await using app = await installation.open()
    await using own = await OwnRoute.serve(app, url => fromDatabase(app, url))
    const token = await tokenOf(installation, 'acme')
    await own.get(token)
    mariadb.pause()
    try {
      const load = under(() => own.get(token))
      await expect.poll(async () => (await own.get(token)).headers['x-feedctl-stale']).toBe('1')
      const { slowestMs, statuses } = await load.stop()
      expect(statuses).toEqual(new Set([200]))
      expect(slowestMs).toBeLessThan(PATIENCE_MS)
    } finally {
      mariadb.resume()
    }
    await expect.poll(async () => (await own.get(token)).headers['x-feedctl-stale']).toBeUndefined()
  })

  test('is away from a process that has nothing: what another one has shared is sent as stale', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const onRedis = { ...sharedRedisEnv(), CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' }
    await using installation = await Installation.create({ ...sharedMariadbEnv(), ...mariadb.env, ...onRedis, ...settings })
    await using one = withPatientRedis(await installation.open())
    await using other = withPatientRedis(await installation.open())
    await using mine = await OwnRoute.serve(one, url => fromDatabase(one, url), PATIENT)
    await using theirs = await OwnRoute.serve(other, url => fromDatabase(other, url), PATIENT)
    const token = await tokenOf(installation, 'acme')
    expect((await theirs.get(token, '/v1/own?token-is-known')).status).toBe(200)
    const shared = textOf(await mine.get(token, '/v1/own?not-asked-yet'))
    // Shared a moment after it is sent.
    await expect.poll(() => sharedAnswers(installation.env)).toBe(2)
    await mariadb.stop()
    await expect.poll(async () => (await theirs.get(token, '/v1/own?not-asked-yet')).headers['x-feedctl-stale']).toBe('1')
    expect(textOf(await theirs.get(token, '/v1/own?not-asked-yet'))).toBe(shared)
    await mariadb.start()
  })
})

describe('Redis', () => {
  const settings: TestEnv = {
    CACHE_DRIVER: 'redis',
    QUEUE_CONNECTION: 'redis',
    FEEDCTL_API_CACHE_TTL_S: '1',
    FEEDCTL_API_RATE: '10000',
  }

  test('is stopped, and frozen, under load: answers go on and nobody waits long, and it is used again when it is back', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using installation = await Installation.create({ ...sharedRedisEnv(), ...redis.env, ...settings })
    await using one = await installation.open()
    await using other = await installation.open()
    await using mine = await OwnRoute.serve(one, async url => ({ url }))
    await using theirs = await OwnRoute.serve(other, async url => ({ url }))
    const token = await tokenOf(installation, 'acme')
    let n = 0
    const load = under(() => mine.get(token, `/v1/own?n=${n++ % 20}`))
    const isShared = async () => {
      const path = `/v1/own?shared=${n++}`
      await mine.get(token, path)
      const { far = 0 } = await answerCounts(theirs.metrics)
      await new Promise(resolve => setTimeout(resolve, 50))
      await theirs.get(token, path)
      return ((await answerCounts(theirs.metrics)).far ?? 0) > far
    }
    await expect.poll(isShared).toBe(true)
    await redis.stop()
    await expect.poll(isShared).toBe(false)
    expect((await mine.get(token)).status).toBe(200)
    await redis.start()
    await expect.poll(isShared, { interval: 500 }).toBe(true)
    redis.pause()
    try {
      await expect.poll(isShared).toBe(false)
      expect((await mine.get(token, '/v1/own?while-it-is-frozen')).status).toBe(200)
    } finally {
      redis.resume()
    }
    await expect.poll(isShared, { interval: 500 }).toBe(true)
    const { slowestMs, statuses } = await load.stop()
    expect(statuses).toEqual(new Set([200]))
    expect(slowestMs).toBeLessThan(PATIENCE_MS)
  })
})
