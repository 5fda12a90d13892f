import { Redis } from 'ioredis'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { FallbackGates, type GateAnswer, type Gates, MemoryGates, RedisGates } from '../../../src/caches/index.js'
import type { FetchFailed } from '../../../src/feeds/fetch/fetcher.js'
import { Failure } from '../../../src/kernel/errors.js'
import { deleteRedisKeys, sharedRedisEnv } from '../../support/drivers.js'
import { ANSWERS } from './answers.js'
import { calm, NONE, openFetcher, verdictOf } from './fetchers.js'
import { type Answer, openPublisher, type Publisher } from './publisher.js'

const redisEnv = sharedRedisEnv()
afterAll(() => deleteRedisKeys(redisEnv))

function openRedisGates(): Gates {
  const redis = new Redis(redisEnv.REDIS_URL ?? '')
  onTestFinished(() => redis.disconnect())
  return new RedisGates(redis, redisEnv.FEEDCTL_REDIS_PREFIX ?? '')
}

async function openHost(answers: Record<string, Answer> = ANSWERS): Promise<Publisher> {
  const publisher = await openPublisher(answers)
  onTestFinished(() => publisher.close())
  return publisher
}

/** A host that answers when it is told, and counts what it is asked at once. */
async function openSlowHost() {
  const open: (() => void)[] = []
  const counted = { most: 0, now: 0, released: false }
  const answer: Answer = (_request, response) => {
    counted.now++
    counted.most = Math.max(counted.most, counted.now)
    const end = () => {
      counted.now--
      response.writeHead(200).end('<rss/>')
    }
    if (counted.released) setImmediate(end)
    else open.push(end)
  }
  const publisher = await openHost({ '/feed': answer })
  const release = () => {
    counted.released = true
    for (const end of open.splice(0)) end()
  }
  return { url: `${publisher.url}/feed`, seen: publisher.seen, counted, release }
}

describe('a host that says when to come back', () => {
  it('is left alone until then, by all its feeds and by no other', async () => {
    const [busy, other] = [await openHost(), await openHost()]
    const fetcher = openFetcher()
    expect(await fetcher.fetch(`${busy.url}/many`, NONE, calm)).toMatchObject({
      failure: { code: 'FEED_LIMITED' },
      retryAfterS: 30,
    })
    const outcome = await fetcher.fetch(`${busy.url}/feed`, NONE, calm)
    expect(outcome).toMatchObject({ kind: 'postponed', requests: 0, host: `127.0.0.1:${busy.port}`, permanentUrl: null })
    expect(outcome.kind === 'postponed' && outcome.retryAfterS).toBeGreaterThan(25)
    expect(outcome.kind === 'postponed' && outcome.retryAfterS).toBeLessThanOrEqual(30)
    expect(outcome.kind === 'postponed' && outcome.reason).toContain(`127.0.0.1:${busy.port}`)
    expect(verdictOf(await fetcher.fetch(`${other.url}/feed`, NONE, calm))).toBe('document')
    expect([busy.seen.length, other.seen.length]).toEqual([1, 1])
  })

  it('means one document when it says 503 for that and serves others', async () => {
    const host = await openHost()
    const fetcher = openFetcher()
    const busy = await openHost()
    expect(verdictOf(await fetcher.fetch(`${host.url}/feed`, NONE, calm))).toBe('document')
    const unavailable = { failure: { code: 'FEED_LIMITED' }, status: 503, hostQuietS: null }
    expect(await fetcher.fetch(`${host.url}/busy`, NONE, calm)).toMatchObject(unavailable)
    expect(verdictOf(await fetcher.fetch(`${host.url}/feed`, NONE, calm))).toBe('document')
    const { hostQuietS } = (await fetcher.fetch(`${busy.url}/busy`, NONE, calm)) as FetchFailed
    expect(hostQuietS).toBeGreaterThan(0)
    expect(verdictOf(await fetcher.fetch(`${busy.url}/feed`, NONE, calm))).toBe('postponed')
  })

  it('says 429 of us, whatever else it serves', async () => {
    const host = await openHost()
    const fetcher = openFetcher()
    expect(verdictOf(await fetcher.fetch(`${host.url}/feed`, NONE, calm))).toBe('document')
    expect(await fetcher.fetch(`${host.url}/many`, NONE, calm)).toMatchObject({ status: 429, hostQuietS: 30 })
    expect(verdictOf(await fetcher.fetch(`${host.url}/feed`, NONE, calm))).toBe('postponed')
  })

  it('is left alone by those who wait for it already', async () => {
    const busy = await openHost()
    const fetcher = openFetcher({ perHost: 1 })
    const outcomes = await Promise.all(['/busy', '/feed', '/feed'].map(path => fetcher.fetch(busy.url + path, NONE, calm)))
    expect(outcomes.map(verdictOf)).toEqual(['FEED_LIMITED', 'postponed', 'postponed'])
    expect(busy.seen).toHaveLength(1)
  })

  it('is left alone by who is redirected to it', async () => {
    const busy = await openHost()
    const mover = await openHost({
      '/moved': (_, response) => void response.writeHead(301, { location: `${busy.url}/feed` }).end(),
    })
    const fetcher = openFetcher()
    await fetcher.fetch(`${busy.url}/many`, NONE, calm)
    expect(await fetcher.fetch(`${mover.url}/moved`, NONE, calm)).toMatchObject({
      kind: 'postponed',
      requests: 1,
      host: `127.0.0.1:${busy.port}`,
      permanentUrl: `${busy.url}/feed`,
    })
    expect(busy.seen).toHaveLength(1)
  })

  it.each([
    ['memory', () => new MemoryGates()],
    ['redis', openRedisGates],
  ])('is left alone by other processes: %s', async (name, open) => {
    const busy = await openHost()
    const mine = open()
    const [first, second] = [openFetcher({}, mine), openFetcher({}, name === 'redis' ? open() : mine)]
    expect(verdictOf(await first.fetch(`${busy.url}/many`, NONE, calm))).toBe('FEED_LIMITED')
    const terms = { places: 9, perSecond: 1e6, burst: 100, leaseMs: 1_000, token: 'looks' }
    await expect.poll(async () => (await mine.enter(`127.0.0.1:${busy.port}`, terms)).note).not.toBeNull()
    expect(await second.fetch(`${busy.url}/feed`, NONE, calm)).toMatchObject({ kind: 'postponed', requests: 0 })
    expect(busy.seen).toHaveLength(1)
  })
})

describe('requests to one host', () => {
  it.each([
    ['memory', () => new MemoryGates()],
    ['redis', openRedisGates],
  ])('are never more at once than the setting, over all processes: %s', async (name, open) => {
    const host = await openSlowHost()
    const mine = open()
    const fetchers = [openFetcher({ perHost: 3 }, mine), openFetcher({ perHost: 3 }, name === 'redis' ? open() : mine)]
    const outcomes = fetchers.flatMap(fetcher => Array.from({ length: 20 }, () => fetcher.fetch(host.url, NONE, calm)))
    await expect.poll(() => host.seen.length).toBe(3)
    host.release()
    expect((await Promise.all(outcomes)).map(verdictOf)).toEqual(Array.from({ length: 40 }, () => 'document'))
    expect(host.counted.most).toBe(3)
  })

  it('are half as many at once after it refused one', async () => {
    const host = await openSlowHost()
    const { port } = new URL(host.url)
    const gates = new MemoryGates()
    const limiting = openFetcher({}, gates)
    const refusing = await openHost({ '/feed': (_, response) => void response.writeHead(429).end() })
    await limiting.fetch(`${refusing.url}/feed`, NONE, calm)
    const learned = await gates.enter(`127.0.0.1:${refusing.port}`, {
      places: 99,
      perSecond: 1e6,
      burst: 99,
      leaseMs: 1,
      token: 'x',
    })
    // The same lesson, of a host that holds what it is asked.
    await gates.note(`127.0.0.1:${port}`, learned.note ?? '', 60)
    const fetcher = openFetcher({ perHost: 8 }, gates)
    await fetcher.fetch(`http://127.0.0.1:${port}/absent`, NONE, calm)
    const outcomes = Array.from({ length: 16 }, () => fetcher.fetch(host.url, NONE, calm))
    await expect.poll(() => host.counted.now).toBe(4)
    host.release()
    expect((await Promise.all(outcomes)).every(outcome => outcome.kind === 'document')).toBe(true)
    expect(host.counted.most).toBe(4)
  })

  it('keep the pace of the setting', async () => {
    let now = 1_000_000
    let asked = 0
    const gates = new MemoryGates(() => now)
    const counting: Gates = {
      name: 'memory',
      enter: (key, terms) => {
        asked++
        return gates.enter(key, terms)
      },
      leave: (key, token) => gates.leave(key, token),
      note: (key, note, ttlS) => gates.note(key, note, ttlS),
    }
    const host = await openHost()
    const fetcher = openFetcher({ perHost: 4, hostRate: 50 }, counting)
    const outcomes = Array.from({ length: 10 }, () => fetcher.fetch(`${host.url}/feed`, NONE, calm))
    await expect.poll(() => asked).toBeGreaterThan(10)
    expect(host.seen.length).toBe(4)
    now += 20
    const before = asked
    await expect.poll(() => asked).toBeGreaterThan(before + 3)
    expect(host.seen.length).toBe(5)
    const ticking = setInterval(() => {
      now += 20
    }, 5)
    onTestFinished(() => clearInterval(ticking))
    expect((await Promise.all(outcomes)).map(verdictOf)).toEqual(Array.from({ length: 10 }, () => 'document'))
  })

  it('to a name with the dot of the root are counted as to the name', async () => {
    const host = await openHost()
    const lookup = (
      _name: string,
      _options: object,
      callback: (error: null, all: { address: string; family: number }[]) => void,
    ) => callback(null, [{ address: '127.0.0.1', family: 4 }])
    const fetcher = openFetcher({ lookup })
    await fetcher.fetch(`http://a.example:${host.port}/many`, NONE, calm)
    expect((await fetcher.fetch(`http://a.example.:${host.port}/feed`, NONE, calm)).kind).toBe('postponed')
  })
})

describe('500 feeds of a slow host', () => {
  it('do not keep 500 others waiting while it is slow to answer', async () => {
    const [slow, quick] = [await openSlowHost(), await openHost()]
    const fetcher = openFetcher({ concurrency: 16, perHost: 8 }, new MemoryGates())
    const theirs = Array.from({ length: 500 }, () => fetcher.fetch(slow.url, NONE, calm))
    const others = Array.from({ length: 500 }, () => fetcher.fetch(`${quick.url}/feed`, NONE, calm))
    expect((await Promise.all(others)).every(outcome => outcome.kind === 'document')).toBe(true)
    expect([slow.counted.now, slow.seen.length]).toEqual([8, 8])
    slow.release()
    expect((await Promise.all(theirs)).every(outcome => outcome.kind === 'document')).toBe(true)
    expect(slow.counted.most).toBe(8)
  })

  it('do not even with one slot over all, while its budget says "not yet"', async () => {
    const [slow, quick] = [await openHost(), await openHost()]
    const shared = new MemoryGates()
    let opened = false
    const early: GateAnswer = { entered: false, full: false, retryInMs: 20, note: null }
    const gates: Gates = {
      name: 'memory',
      enter: async (key, terms) => (key.endsWith(`:${slow.port}`) && !opened ? early : shared.enter(key, terms)),
      leave: (key, token) => shared.leave(key, token),
      note: (key, note, ttlS) => shared.note(key, note, ttlS),
    }
    const fetcher = openFetcher({ concurrency: 1, perHost: 8 }, gates)
    const theirs = Array.from({ length: 500 }, () => fetcher.fetch(`${slow.url}/feed`, NONE, calm))
    const others = Array.from({ length: 500 }, () => fetcher.fetch(`${quick.url}/feed`, NONE, calm))
    expect((await Promise.all(others)).every(outcome => outcome.kind === 'document')).toBe(true)
    expect(slow.seen).toHaveLength(0)
    opened = true
    expect((await Promise.all(theirs)).every(outcome => outcome.kind === 'document')).toBe(true)
  })
})

describe('budgets that do not answer', () => {
  const away: Gates = {
    name: 'redis',
    enter: () => Promise.reject(new Failure('UNAVAILABLE', 'away')),
    leave: () => Promise.reject(new Failure('UNAVAILABLE', 'away')),
    note: () => Promise.reject(new Failure('UNAVAILABLE', 'away')),
  }

  it.each([
    ['bare', () => away],
    ['with a fallback', () => new FallbackGates(away, new MemoryGates())],
  ])('stop nobody from being fetched, within the bounds of this process: %s', async (_name, open) => {
    const host = await openSlowHost()
    const fetcher = openFetcher({ perHost: 3 }, open())
    const outcomes = Array.from({ length: 20 }, () => fetcher.fetch(host.url, NONE, calm))
    await expect.poll(() => host.counted.now).toBe(3)
    host.release()
    expect((await Promise.all(outcomes)).every(outcome => outcome.kind === 'document')).toBe(true)
    expect(host.counted.most).toBe(3)
  })
})

describe('the operator', () => {
  it('stops those who wait for a budget with the reason of the signal, and their places are free', async () => {
    const host = await openHost()
    const gates = new MemoryGates()
    const key = `127.0.0.1:${host.port}`
    const taken = { places: 1, perSecond: 1e6, burst: 10, leaseMs: 60_000, token: 'theirs' }
    await gates.enter(key, taken)
    const fetcher = openFetcher({ perHost: 1, concurrency: 1 }, gates)
    const stop = new AbortController()
    const waiting = [1, 2, 3].map(() => fetcher.fetch(`${host.url}/feed`, NONE, stop.signal))
    await new Promise(resolve => setTimeout(resolve, 20))
    stop.abort(new Error('enough'))
    for (const fetch of waiting) await expect(fetch).rejects.toThrow('enough')
    expect(host.seen).toHaveLength(0)
    await gates.leave(key, 'theirs')
    expect((await fetcher.fetch(`${host.url}/feed`, NONE, calm)).kind).toBe('document')
  })
})
