import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { SteadyRedis } from '../../src/redis/steady-redis.js'
import { Forwarder } from '../support/forwarder.js'
import { type RedisServer, startRedis } from '../support/redis.js'

const SILENCE_MS = 600
const TIMEOUT = { timeout: 20_000, interval: 20 }

/** The client, disconnected when the test ends. */
function closed<Client extends Redis>(client: Client): Client {
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  return client
}

/** A client of the server behind the forwarder, and all that it complains of. */
function open({ password }: RedisServer, { port }: Forwarder): { redis: SteadyRedis; said: string[] } {
  const said: string[] = []
  const options = { maxRetriesPerRequest: null, retryStrategy: () => 20, silenceMs: SILENCE_MS }
  const redis = closed(new SteadyRedis(`redis://:${password}@127.0.0.1:${port}`, options))
  redis.on('error', error => said.push(error.message))
  return { redis, said }
}

describe('a connection to one Redis', () => {
  it('whose server is demoted does what that refused on the one that its address leads to next', async () => {
    await using first = await startRedis()
    await using second = await startRedis(first.password)
    await using forwarder = await Forwarder.to(first.port)
    const { redis, said } = open(first, forwarder)
    const blocking = closed(redis.duplicate())
    await redis.set('key', 'before')
    // Of nobody, so that nothing is copied.
    await closed(new Redis(first.url)).replicaof('127.0.0.1', 1)
    const [written, popped] = [redis.set('key', 'after'), blocking.bzpopmin('empty', 0)]
    const script = redis.eval("return redis.call('set', KEYS[1], 'of a script')", 1, 'another')
    const piped = redis.pipeline().set('a', '1').set('b', '2').exec()
    await expect.poll(() => said.some(words => words.includes('READONLY')), TIMEOUT).toBe(true)
    forwarder.lead(second.port)
    expect([await written, await script]).toEqual(['OK', 'OK'])
    expect(await piped).toEqual([
      [null, 'OK'],
      [null, 'OK'],
    ])
    const there = closed(new Redis(second.url))
    expect(await there.mget('key', 'another', 'a', 'b')).toEqual(['after', 'of a script', '1', '2'])
    await there.zadd('empty', 1, 'member')
    expect(await popped).toEqual(['empty', 'member', '1'])
  })

  it('whose host is gone without a word is made anew, and what was asked is answered', async () => {
    await using server = await startRedis()
    await using forwarder = await Forwarder.to(server.port)
    const { redis } = open(server, forwarder)
    await redis.set('key', 'value')
    const blocking = closed(redis.duplicate())
    await blocking.ping()
    forwarder.loseConnections()
    expect(await Promise.all([redis.get('key'), blocking.get('key')])).toEqual(['value', 'value'])
  })

  it('is kept while nothing is asked, and while Redis is slow but answers in time', async () => {
    await using server = await startRedis()
    await using forwarder = await Forwarder.to(server.port)
    const { redis, said } = open(server, forwarder)
    const id = await redis.client('ID')
    await new Promise(resolve => setTimeout(resolve, 2 * SILENCE_MS))
    for (let times = 0; times < 8; times++) await redis.blpop('nothing', SILENCE_MS / 4_000)
    expect([await redis.client('ID'), said]).toEqual([id, []])
  })
})
