import { afterAll, beforeAll, describe } from 'vitest'
import { loadConfig } from '../../src/kernel/config.js'
import { Log } from '../../src/kernel/log.js'
import { QUEUES, RedisQueue, startRedisWorker } from '../../src/queues/index.js'
import { openRedis } from '../../src/redis/connection.js'
import { keepsTheQueueContract } from '../queues/contract.js'
import { RedisCluster } from '../support/redis-cluster.js'

const NO_LIMITS = { maxJobs: null, maxTimeMs: null, memoryBytes: null }
let cluster: RedisCluster
let turn = 0

beforeAll(async () => {
  cluster = await RedisCluster.create()
}, 120_000)
afterAll(() => cluster[Symbol.asyncDispose]())

describe('the redis queue on a cluster', () => {
  keepsTheQueueContract(async (handler, own) => {
    const { config } = loadConfig({ env: cluster.env, envFile: '/nowhere', envFileNamed: false })
    const log = new Log(() => {})
    // Prefixes of different slots: the nodes take turns.
    const options = {
      connect: (purpose: 'worker' | 'producer') => openRedis(config, log, purpose),
      prefix: `house${++turn}`,
      log,
    }
    const queue = new RedisQueue(options)
    const worker = startRedisWorker({
      ...options,
      ...own,
      ...NO_LIMITS,
      queues: QUEUES,
      handler,
      bury: async () => {},
      quarantineAfter: 5,
      supervisor: null,
      tell: () => {},
    })
    const close = async () => {
      await worker.stop(0)
      await queue.close()
    }
    return { queue, close }
  })
})
