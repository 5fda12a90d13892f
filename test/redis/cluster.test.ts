import { once } from 'node:events'
import type { Cluster, Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RedisCache, RedisGates } from '../../src/caches/index.js'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { eraseKeys, greetRedis } from '../../src/queues/keys.js'
import { openRedis, type RedisConnection, type RedisPurpose } from '../../src/redis/connection.js'
import { keepsTheCacheContract } from '../caches/contract.js'
import { keepTheGateContract } from '../caches/gates-contract.js'
import { RedisCluster } from '../support/redis-cluster.js'

const PREFIX = 'house'
let cluster: RedisCluster
const opened: RedisConnection[] = []

beforeAll(async () => {
  cluster = await RedisCluster.create()
}, 120_000)
afterAll(async () => {
  for (const redis of opened) redis.disconnect()
  await cluster[Symbol.asyncDispose]()
})

function open(purpose: RedisPurpose = 'producer', env: Readonly<Record<string, string>> = cluster.env): RedisConnection {
  const { config } = loadConfig({ env, envFile: '/nowhere', envFileNamed: false })
  const redis = openRedis(config, new Log(() => {}), purpose)
  opened.push(redis)
  return redis
}

describe('the redis cache on a cluster', () => {
  keepsTheCacheContract(async () => {
    const client = open()
    const expire = async () => expect(await client.pexpire(`${PREFIX}:cache:short`, 0)).toBe(1)
    return { cache: new RedisCache(open('cache'), PREFIX), expire: async () => void (await expire()) }
  })
})

describe('gates on a cluster', () => {
  let client: RedisConnection
  keepTheGateContract(() => {
    client ??= open('cache')
    let now = Date.now()
    return { gates: new RedisGates(client, PREFIX, () => now), advance: ms => (now += ms) }
  })

  it('are entered on every node, also on one that has forgotten the script', async () => {
    const gates = new RedisGates(open('cache'), PREFIX)
    const enterMany = async (round: string) => {
      const terms = { places: 1, perSecond: 100, burst: 10, leaseMs: 60_000, token: 'token' }
      const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => gates.enter(`${round}-${n}.example`, terms)))
      expect(answers.every(({ entered }) => entered)).toBe(true)
    }
    await enterMany('before')
    const key = 'after-0.example'
    const node = await cluster.nodeOf(`${PREFIX}:gate:{${key}}:places`)
    await node.ask(client => client.script('FLUSH'))
    await enterMany('after')
  })
})

describe.concurrent('a connection to a cluster that cannot be had', () => {
  it('is refused with words that say why when the password is wrong', async ({ expect }) => {
    const redis = open('producer', { ...cluster.env, REDIS_PASSWORD: 'wrong' })
    const message = expect.stringMatching(/NOAUTH|WRONGPASS/)
    await expect(greetRedis(redis)).rejects.toMatchObject({ code: 'UNAVAILABLE', message })
  })

  it('gives up after seconds where no node listens, and says which was asked', async ({ expect }) => {
    const redis = open('cache', { REDIS_CLUSTER_NODES: '127.0.0.1:1,127.0.0.1:2' })
    const message = expect.stringMatching(/127\.0\.0\.1:[12]/)
    await expect(greetRedis(redis)).rejects.toMatchObject({ code: 'UNAVAILABLE', message })
  })
})

describe('a connection to a cluster', () => {
  it('erases the keys under a prefix on every node, and leaves the neighbours', async () => {
    const redis = open()
    const ours = Array.from({ length: 300 }, (_, n) => (n % 2 ? `gone:cache:${n}` : `{gone}:sync:${n}`))
    const theirs = ['gonex:a', '{gonex}:a', 'xgone:a', 'gone', 'x:gone:a']
    await Promise.all([...ours, ...theirs].map(key => redis.set(key, '1')))
    expect(await eraseKeys(redis, 'gone')).toBe(300)
    expect((await cluster.keys()).filter(key => key.includes('gone'))).toEqual(theirs.toSorted())
    expect(await eraseKeys(redis, 'gone')).toBe(0)
  })

  it('outlasts a node that is killed and started again; who does not wait is told', async () => {
    const [impatient, patient, again] = [open('producer'), open('worker'), open('worker')]
    const node = await cluster.nodeOf('a key')
    await again.ping()
    expect(await impatient.set('a key', 'before')).toBe('OK')
    await node.kill()
    const answer = patient.get('a key')
    await expect(impatient.get('a key')).rejects.toThrow(/timed out|closed|redirections|CLUSTERDOWN/)
    // Once the others have found that it is gone, no attempt to connect succeeds before it is back.
    await cluster.untilDown(node)
    const ended = once(again, 'end')
    again.disconnect()
    await ended
    const [connected, failing] = [(again as Cluster).connect(), once(again, 'reconnecting')]
    await failing
    await node.start()
    await cluster.untilWhole()
    expect(await answer).toBe('before')
    await connected
    expect(await again.get('a key')).toBe('before')
    expect(await impatient.get('a key')).toBe('before')
  })

  it('finds the keys of a node that was replaced by an empty one', async () => {
    const redis = open('cache')
    const node = await cluster.nodeOf('moved')
    expect(await redis.set('moved', 'before')).toBe('OK')
    await cluster.replace(node)
    await expect.poll(() => redis.get('moved').catch(() => 'away'), { timeout: 20_000 }).toBeNull()
    expect(await redis.set('moved', 'after')).toBe('OK')
    expect(await open().get('moved')).toBe('after')
  })

  it('leaves no connection behind when it is closed, nor one of a node that ended while its successor began', async () => {
    const redis = open('worker')
    const node = await cluster.nodeOf('left')
    /** Ids of the node's clients, without the one that asks. */
    const clientIds = () =>
      node.ask(async client => {
        const own = await client.client('ID')
        const ids = [...String(await client.client('LIST')).matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id))
        return ids.filter(id => id !== own)
      })
    const before = new Set(await clientIds())
    const newClients = async () => (await clientIds()).filter(id => !before.has(id)).length
    expect(await redis.set('left', 'there')).toBe('OK')
    // What a refresh of the slots does while a node is replaced: the end of the old client is told when the new one is there.
    const { connectionPool } = redis as unknown as { connectionPool: { reset(nodes: object[]): void } }
    const all = (redis as Cluster).nodes('all').map(({ options: { host, port } }) => ({ host, port }))
    connectionPool.reset(all.filter(({ port }) => port !== node.port))
    connectionPool.reset(all)
    const successor = clientOf(redis, node.port)
    const lostNode = () => clientOf(redis, node.port) !== successor
    expect(await redis.get('left')).toBe('there')
    const clientsInUse = async () => {
      expect(await redis.get('left')).toBe('there')
      return newClients()
    }
    // One for commands made anew, besides the lost one until it has ended.
    await expect.poll(lostNode, { timeout: 20_000 }).toBe(true)
    await expect.poll(clientsInUse, { timeout: 20_000 }).toBe(1)
    redis.disconnect()
    await expect.poll(newClients, { timeout: 20_000 }).toBe(0)
  })
})

function clientOf(redis: RedisConnection, port: number): Redis | undefined {
  return (redis as Cluster).nodes('all').find(({ options }) => options.port === port)
}
