import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { entryOf } from '../../src/api/answers/entry.js'
import { FarAnswers } from '../../src/api/answers/far.js'
import { NearAnswers } from '../../src/api/answers/near.js'
import { Known, KnownTenants } from '../../src/api/known.js'
import { RateLimits } from '../../src/api/limits.js'
import { type Cache, type Gates, MemoryCache, MemoryGates, MemoryPermits } from '../../src/caches/index.js'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { parseDatabaseName, parseSlug, parseTenantId } from '../../src/tenants/ids.js'
import type { Tenant } from '../../src/tenants/tenant.js'

const MIB = 1024 * 1024

function tenantOf(id: number, createdAt = 1): Tenant {
  return {
    id: parseTenantId(id),
    slug: parseSlug(`t${id}`),
    name: '',
    state: 'active',
    placementId: 1,
    placement: { kind: 'shared', host: 'default', database: parseDatabaseName('feedctl') },
    schemaVersion: 1,
    keepDays: null,
    keepPosts: null,
    mediaTypes: null,
    mediaMaxBytes: null,
    mediaPerPost: null,
    deleteAfterAt: null,
    createdAt,
  }
}

const limits = new RateLimits(new MemoryPermits(), 0)
const knownOf = (id: number) => new Known(tenantOf(id), 'hash', 0, 0, limits.allowanceOf(parseTenantId(id)))

function answer(key: string, body: Buffer = Buffer.from('{}')) {
  return entryOf({ key, body, version: 0, builtAt: 0, generation: 0, freshUntil: 1 })
}

describe('answers near', () => {
  test('are found under other spellings of their URLs, which are counted, and not under long ones', () => {
    const near = new NearAnswers(MIB)
    const known = knownOf(1)
    const entry = answer('/v1/posts?a=1&b=2')
    near.keep(known, entry)
    const before = near.heldBytes
    near.alias(known, entry, '/v1/posts?b=2&a=1')
    near.alias(known, entry, `/v1/posts?b=2&a=1${'&'.repeat(15_000)}`)
    expect([...known.aliases.keys()]).toEqual(['/v1/posts?b=2&a=1'])
    expect(near.heldBytes).toBeGreaterThan(before)
    near.clear(known)
    expect([known.entries.size, known.aliases.size, known.bytes, near.heldBytes, near.entries]).toEqual([0, 0, 0, 0, 0])
  })

  test('stay within their bytes whatever they are asked by, and go one by one: none is passed over for ever', () => {
    const near = new NearAnswers(MIB)
    const known = knownOf(1)
    const all = Array.from({ length: 5_000 }, (_, n) => answer(`/v1/posts?n=${n}&z`))
    for (const entry of all) {
      near.keep(known, entry)
      near.alias(known, entry, `/v1/posts?z&${entry.key.slice(10, -2)}`)
      for (const kept of known.entries.values()) kept.used = true
      expect(near.heldBytes).toBeLessThanOrEqual(MIB)
    }
    expect(known.aliases.size).toBe(near.entries)
    expect(known.entries.size).toBe(near.entries)
    const kept = all.filter(({ key }) => known.entries.has(key))
    expect(kept.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(near.heldBytes)
  })

  test('that are asked for outlive those that are not', () => {
    const near = new NearAnswers(MIB)
    const known = knownOf(1)
    const liked = answer('/v1/posts?liked')
    near.keep(known, liked)
    for (let n = 0; n < 5_000; n++) {
      liked.used = true
      near.keep(known, answer(`/v1/posts?n=${n}`))
    }
    expect(near.find(known, liked.key)).toBe(liked)
  })
})

describe('a number that is given again', () => {
  test('is another tenant: nothing that was begun for the one is joined by the other', () => {
    const known = new KnownTenants(
      id => limits.allowanceOf(id),
      () => {},
    )
    const one = known.learn('Bearer a', { tenant: tenantOf(5, 1), tokenHash: 'a', contentVersion: 0, changedAgoMs: 0 }, 0)
    one.flights.set('/v1/posts', { generation: 0, entry: Promise.resolve(answer('/v1/posts')) })
    const other = known.learn('Bearer b', { tenant: tenantOf(5, 2), tokenHash: 'b', contentVersion: 0, changedAgoMs: 0 }, 0)
    expect([other === one, other.flights.size, one.gone]).toEqual([false, 0, true])
    expect([known.bearing('Bearer a'), known.bearing('Bearer b')]).toEqual([undefined, other])
  })
})

describe('answers that are shared', () => {
  const TTL_S = 60

  function farOf(bytes: number, cache: Cache = new MemoryCache(1_000 * MIB), gates: Gates = new MemoryGates()) {
    const clock = { now: 1_000_000 }
    const put: number[] = []
    const counting: Cache = {
      name: 'memory',
      get: key => cache.get(key),
      put: async (key, value, ttlS) => {
        await cache.put(key, value, ttlS)
        put.push(value.length)
      },
      delete: key => cache.delete(key),
      close: () => cache.close(),
    }
    const far = new FarAnswers(counting, gates, { ttlS: TTL_S, bytes }, new Log(() => {}), () => clock.now)
    return { far, clock, put, sum: () => put.reduce((all, each) => all + each, 0) }
  }

  const noise = () => answer('/', randomBytes(100_000))

  test('are an eighth of the bytes for one tenant at most, and others share theirs all the same', async () => {
    const { far, clock, put, sum } = farOf(16 * MIB)
    const [loud, calm] = [knownOf(1), knownOf(2)]
    // Ten minutes, as long as they are kept.
    for (let minute = 0; minute < 10; minute++) {
      for (let n = 0; n < 30; n++) await far.put(loud, `/v1/posts?limit=${minute}${n}`, noise())
      clock.now += 60_000
    }
    expect(sum()).toBeLessThanOrEqual(2 * MIB)
    expect(sum()).toBeGreaterThan(MIB)
    // Nor does it wait for a turn to build what is not shared.
    await far.put(loud, '/v1/posts', answer('/v1/posts', randomBytes(3 * MIB)))
    expect(far.wants(loud, '/v1/posts')).toBe(false)
    expect(far.wants(calm, '/v1/posts')).toBe(true)
    const before = put.length
    await far.put(calm, '/v1/posts', noise())
    expect(put.length).toBe(before + 1)
  })

  test('stay within the bytes, however many tenants there are', async () => {
    const { far, sum } = farOf(4 * MIB)
    for (let id = 1; id <= 100; id++) await far.put(knownOf(id), '/v1/posts', noise())
    expect(sum()).toBeLessThanOrEqual(4 * MIB)
  })

  test('are first pages, and of those that can be spelt without end the ones that were asked for twice', () => {
    const { far } = farOf(16 * MIB)
    const known = knownOf(1)
    for (const key of ['/v1/posts', '/v1/posts?limit=5', '/v1/posts/7']) expect(far.wants(known, key), key).toBe(true)
    for (const key of ['/v1/posts?cursor=x', '/v1/posts?limit=5&since=-1', '/v1/posts?q=x', '/v1/posts?until=3'])
      expect([far.wants(known, key), far.wants(known, key)], key).toEqual([false, true])
    expect(far.wants(knownOf(2), '/v1/posts?cursor=x')).toBe(false)
  })

  test('are no more for a while when Redis has no room, and what is there can be had', async () => {
    const memory = new MemoryCache(MIB)
    let full = false
    let asked = 0
    const redis: Cache = {
      name: 'redis',
      get: key => memory.get(key),
      put: (key, bytes, ttlS) => {
        asked++
        const oom = new Error("OOM command not allowed when used memory > 'maxmemory'.")
        if (full) return Promise.reject(new Failure('UNAVAILABLE', `the cache does not answer: ${oom.message}`, { cause: oom }))
        return memory.put(key, bytes, ttlS)
      },
      delete: key => memory.delete(key),
      close: () => memory.close(),
    }
    const { far, clock } = farOf(16 * MIB, redis)
    const known = knownOf(1)
    await far.put(known, '/v1/posts', answer('/v1/posts'))
    full = true
    await far.put(known, '/v1/feeds', answer('/v1/feeds'))
    expect([far.wants(known, '/v1/feeds'), asked]).toEqual([false, 2])
    expect((await far.get(known.tenant, '/v1/posts'))?.body.toString()).toBe('{}')
    full = false
    clock.now += 60_000
    expect(far.wants(known, '/v1/feeds')).toBe(true)
    await far.put(known, '/v1/feeds', answer('/v1/feeds'))
    expect((await far.get(known.tenant, '/v1/feeds'))?.body.toString()).toBe('{}')
  })

  test('are built in turn: a place that Redis gives too late is left for others', async () => {
    const shared = new MemoryGates()
    const releases: (() => void)[] = []
    let late = true
    const slow: Gates = {
      name: 'redis',
      enter: async (key, terms) => {
        if (late) await new Promise<void>(resolve => releases.push(resolve))
        return shared.enter(key, terms)
      },
      leave: (key, token) => shared.leave(key, token),
      note: (key, note, ttlS) => shared.note(key, note, ttlS),
    }
    const [mine, theirs] = [farOf(MIB, undefined, slow), farOf(MIB, undefined, slow)]
    const { tenant } = knownOf(1)
    const turn = await mine.far.turn(tenant, '/v1/posts', async () => null)
    expect(turn).toHaveProperty('end')
    late = false
    for (const release of releases) release()
    let looks = 0
    const next = await theirs.far.turn(tenant, '/v1/posts', async () => (++looks > 50 ? 'nobody has left' : null))
    expect(next).toHaveProperty('end')
  })
})
