import { describe, expect, test } from 'vitest'
import { RateLimits } from '../../src/api/limits.js'
import { MemoryPermits, type Permits } from '../../src/caches/index.js'
import { parseTenantId } from '../../src/tenants/ids.js'
import { Installation } from '../e2e/installation.js'
import { sharedRedisEnv } from '../support/drivers.js'
import { ApiGround, errorCode } from './ground.js'
import { OwnRoute } from './own-route.js'
import { withPatientRedis } from './patient-redis.js'

describe('a tenant', () => {
  test('that asks more often than it may is told when to ask again, and its neighbour is answered', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_API_RATE: '1' })
    const [loud, quiet] = [await ground.tenant('loud'), await ground.tenant('quiet')]
    await using own = await OwnRoute.serve(ground.app, async () => ({}))
    const flood = await Promise.all(Array.from({ length: 60 }, () => own.get(loud)))
    const refused = flood.filter(answer => answer.status === 429)
    expect(flood.filter(answer => answer.status === 200).length).toBeGreaterThanOrEqual(1)
    expect(refused.length).toBeGreaterThan(20)
    const [first] = refused
    if (first === undefined) throw new Error('nothing was refused')
    expect(errorCode(first)).toBe('RATE_LIMITED')
    expect(first.headers).toMatchObject({
      'content-type': expect.stringContaining('application/problem+json'),
      'retry-after': '1',
      'ratelimit-limit': '1',
      'ratelimit-remaining': '0',
      'ratelimit-reset': '1',
    })
    expect((await own.get(quiet)).status).toBe(200)
    await expect.poll(async () => (await own.get(loud)).status).toBe(200)
  })

  test('may ask as often as it likes where there is no limit', async () => {
    await using ground = await ApiGround.create({ FEEDCTL_API_RATE: '0' })
    const token = await ground.tenant('acme')
    await using own = await OwnRoute.serve(ground.app, async () => ({}))
    const answers = await Promise.all(Array.from({ length: 500 }, () => own.get(token)))
    expect(new Set(answers.map(answer => answer.status))).toEqual(new Set([200]))
  })

  test('has one rate over all processes that share a Redis', async () => {
    const settings = { ...sharedRedisEnv(), CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis', FEEDCTL_API_RATE: '40' }
    await using installation = await Installation.create(settings)
    await using one = withPatientRedis(await installation.open())
    await using other = withPatientRedis(await installation.open())
    await using mine = await OwnRoute.serve(one, async () => ({}))
    await using theirs = await OwnRoute.serve(other, async () => ({}))
    const { token } = JSON.parse((await installation.run(['tenant', 'create', 'acme', '--json'])).out) as { token: string }
    const { token: calm } = JSON.parse((await installation.run(['tenant', 'create', 'calm', '--json'])).out) as { token: string }
    let admitted = 0
    const begun = performance.now()
    const flood = async (own: OwnRoute) => {
      while (performance.now() - begun < 3_000 || admitted <= 40) if ((await own.get(token)).status === 200) admitted++
    }
    const floods = [mine, mine, theirs, theirs].map(flood)
    const [nearby, elsewhere] = [await mine.get(calm), await theirs.get(calm)]
    await Promise.all(floods)
    const seconds = (performance.now() - begun) / 1000
    expect([nearby.status, elsewhere.status]).toEqual([200, 200])
    expect(admitted).toBeLessThanOrEqual(40 * (seconds + 2))
  })
})

describe('an allowance', () => {
  const tenant = parseTenantId(7)

  function counted(perSecond: number) {
    const clock = { now: 1_000_000 }
    const memory = new MemoryPermits(() => clock.now)
    const asked: number[] = []
    const permits: Permits = {
      name: 'memory',
      take: (key, terms) => {
        asked.push(terms.wanted)
        return memory.take(key, terms)
      },
    }
    return { clock, asked, allowance: new RateLimits(permits, perSecond, () => clock.now).allowanceOf(tenant) }
  }

  test('fetches permits by the block before its stock runs out, so that most requests ask nobody', async () => {
    const { clock, asked, allowance } = counted(1_000)
    let waited = 0
    for (let round = 0; round < 500; round++) {
      if (!allowance.take(clock.now)) {
        waited++
        await allowance.admit()
      }
      clock.now += 1
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(waited).toBeLessThan(10)
    expect(asked.length).toBeLessThan(25)
    expect([asked[0], Math.max(...asked)]).toEqual([1, 100])
  })

  test.each([
    [16, 1],
    [24, 1],
    [8, 4],
  ])('of %d processes, each with %d requests at once every other second, refuses nobody far below the rate', async (processes, each) => {
    const clock = { now: 1_000_000 }
    const permits = new MemoryPermits(() => clock.now)
    const all = Array.from({ length: processes }, () => new RateLimits(permits, 200, () => clock.now).allowanceOf(tenant))
    for (let round = 0; round < 10; round++) {
      clock.now += 2_000
      await Promise.all(all.flatMap(allowance => Array.from({ length: each }, () => allowance.admit())))
    }
  })

  test('keeps no permits for later', async () => {
    const { clock, allowance } = counted(1_000)
    for (let n = 0; n < 3; n++) await allowance.admit()
    expect(allowance.take(clock.now)).toBe(true)
    clock.now += 1_000
    expect(allowance.take(clock.now)).toBe(false)
    await allowance.admit()
  })

  test('refuses without asking anybody while there are none, and lets in again when there are', async () => {
    const { clock, asked, allowance } = counted(10)
    for (let n = 0; n < 10; n++) await allowance.admit()
    await expect(allowance.admit()).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterS: 1 })
    const before = asked.length
    for (let n = 0; n < 100; n++) await expect(allowance.admit()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(asked.length).toBe(before)
    clock.now += 100
    await allowance.admit()
    await expect(allowance.admit()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  })

  test('lets no more in of those who come at once than there are', async () => {
    const { allowance } = counted(50)
    const ends = await Promise.allSettled(Array.from({ length: 400 }, () => allowance.admit()))
    expect(ends.filter(end => end.status === 'fulfilled')).toHaveLength(50)
  })
})
