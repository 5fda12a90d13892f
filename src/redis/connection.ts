import { type Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import type { Config } from '../kernel/config.js'
import type { Log } from '../kernel/log.js'
import { clusterNodes, type NodeAddress } from './cluster-nodes.js'
import { ImpatientCluster } from './impatient-cluster.js'
import { SteadyCluster } from './steady-cluster.js'
import { SteadyRedis } from './steady-redis.js'

const PATIENCE_MS = 5_000
/** A node that does not say in this time who has which keys is passed over. */
const SLOTS_MS = 2_000
const RETRY_MS = 100
const RETRIES_OF_THE_IMPATIENT = PATIENCE_MS / RETRY_MS

export type RedisConnection = Redis | Cluster

/** A worker's connection waits for Redis without end; the others give up, so that their caller can say so. */
export type RedisPurpose = 'worker' | 'producer' | 'cache'

/** Opens a connection to where the settings lead, one Redis or a cluster. Its errors are told to the log, at debug. @throws {Failure} CONFIG_INVALID */
export function openRedis(config: Config, log: Log, purpose: RedisPurpose): RedisConnection {
  const nodes = clusterNodes(config)
  const redis = nodes.length === 0 ? openOne(config, purpose) : openCluster(config, nodes, purpose)
  redis.on('error', error => log.debug('redis', { purpose, why: error.message }))
  return redis
}

/** Redis as the settings lead to it, for one deed; gives up after seconds. */
export async function withRedis<T>(config: Config, log: Log, deed: (redis: RedisConnection) => Promise<T>): Promise<T> {
  const redis = openRedis(config, log, 'producer')
  try {
    return await deed(redis)
  } finally {
    redis.disconnect()
  }
}

/** Opens a connection to one node of the cluster, which speaks for itself only; gives up after seconds. */
export function openNode(config: Config, node: NodeAddress, log: Log): Redis {
  const redis = new Redis({ ...nodeOptions(config), ...IMPATIENT, ...node, retryStrategy: retryMs })
  redis.on('error', error => log.debug('redis node', { why: error.message }))
  return redis
}

const IMPATIENT = { maxRetriesPerRequest: 1, commandTimeout: PATIENCE_MS, connectTimeout: PATIENCE_MS } as const

function retryMs(attempt: number): number {
  return Math.min(2_000, attempt * RETRY_MS)
}

function openOne(config: Config, purpose: RedisPurpose): Redis {
  const patience = purpose === 'worker' ? { maxRetriesPerRequest: null } : IMPATIENT
  const options = { ...patience, retryStrategy: retryMs }
  const password = config.redisPassword === null ? {} : { password: config.redisPassword }
  return config.redisUrl === null
    ? new SteadyRedis(null, { ...options, ...password, host: config.redisHost, port: config.redisPort })
    : new SteadyRedis(config.redisUrl, { ...options, ...(/:[^/@]*@/.test(config.redisUrl) ? {} : password) })
}

function openCluster(config: Config, nodes: readonly NodeAddress[], purpose: RedisPurpose): Cluster {
  // BullMQ refuses connections for blocking commands that give up by themselves.
  const redisOptions = { ...nodeOptions(config), connectTimeout: PATIENCE_MS, maxRetriesPerRequest: null }
  const options: ClusterOptions = {
    redisOptions,
    clusterRetryStrategy: retryMs,
    slotsRefreshTimeout: SLOTS_MS,
    retryDelayOnFailover: RETRY_MS,
    retryDelayOnClusterDown: RETRY_MS,
    retryDelayOnTryAgain: RETRY_MS,
    // A certificate names hosts, not the addresses they are found at.
    ...(redisOptions.tls === undefined ? {} : { dnsLookup: (host, found) => found(null, host) }),
  }
  if (purpose === 'worker') return new SteadyCluster(nodes, { ...options, maxRedirections: Number.MAX_SAFE_INTEGER })
  return new ImpatientCluster(nodes, { ...options, maxRedirections: RETRIES_OF_THE_IMPATIENT }, PATIENCE_MS)
}

function nodeOptions(config: Config): RedisOptions {
  return {
    ...(config.redisPassword === null ? {} : { password: config.redisPassword }),
    ...(config.redisUrl?.startsWith('rediss:') ? { tls: {} } : {}),
  }
}
