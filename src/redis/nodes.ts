import type { Cluster, Redis } from 'ioredis'
import { addressWords } from './cluster-nodes.js'
import type { RedisConnection } from './connection.js'

/** A client for each server behind the connection, which speaks to that one only: the one Redis, or the nodes of a cluster that have slots. */
export async function nodesOf(redis: RedisConnection, role: 'all' | 'master'): Promise<readonly Redis[]> {
  if (!isCluster(redis)) return [redis]
  // A cluster knows its nodes once it has answered.
  await redis.ping()
  return redis.nodes(role)
}

/** Where the client leads: `host:port`, or the path of a socket. */
export function nodeWords({ options }: Redis): string {
  return options.path ?? addressWords({ host: options.host ?? '', port: options.port ?? 0 })
}

function isCluster(redis: RedisConnection): redis is Cluster {
  return redis.isCluster
}
