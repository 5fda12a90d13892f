import type { TestProject } from 'vitest/node'
import { type MariadbAddress, mariadbAt, startMariadb } from './mariadb.js'
import { type RedisAddress, redisAt, startRedis } from './redis.js'
import type { Server } from './server.js'

declare module 'vitest' {
  interface ProvidedContext {
    mariadb: MariadbAddress
    redis: RedisAddress
  }
}

/** One MariaDB and one Redis for the whole run; servers that FEEDCTL_TEST_MYSQL_URL and FEEDCTL_TEST_REDIS_URL name are used as they are. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: Server[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.map(server => server.dispose()))
  }
  const keep = async <T extends Server>(starting: Promise<T>): Promise<T> => {
    const server = await starting
    started.push(server)
    return server
  }
  const { FEEDCTL_TEST_MYSQL_URL: mysqlUrl, FEEDCTL_TEST_REDIS_URL: redisUrl } = process.env
  const [mariadb, redis] = await Promise.allSettled([
    mysqlUrl ? mariadbAt(mysqlUrl) : keep(startMariadb()),
    redisUrl ? redisAt(redisUrl) : keep(startRedis()),
  ])
  if (mariadb.status === 'rejected' || redis.status === 'rejected') {
    await stop()
    throw mariadb.status === 'rejected' ? mariadb.reason : redis.status === 'rejected' ? redis.reason : null
  }
  const { host, port, username, password, env } = mariadb.value
  project.provide('mariadb', { host, port, username, password, env })
  project.provide('redis', { url: redis.value.url, env: redis.value.env })
  return stop
}
