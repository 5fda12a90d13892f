import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findFreePort, findProgram, Server } from './server.js'

/** How to reach a Redis, and the settings that lead feedctl there. */
export interface RedisAddress {
  readonly url: string
  readonly env: Readonly<Record<string, string>>
}

/** A private Redis that keeps an append-only file and evicts nothing. */
export class RedisServer extends Server implements RedisAddress {
  private constructor(
    folder: string,
    command: readonly [string, ...string[]],
    readonly port: number,
    readonly password: string,
    readonly url: string,
  ) {
    super({ folder, command, answers: () => answers(url) })
  }

  get env(): Readonly<Record<string, string>> {
    return { REDIS_URL: this.url }
  }

  /** An empty server that answers. Servers with one password can replicate each other. */
  static async create(password = randomBytes(18).toString('hex')): Promise<RedisServer> {
    const program = findProgram(['redis-server'], 'redis-server')
    const folder = await mkdtemp(join(tmpdir(), 'feedctl-redis-'))
    try {
      const port = await findFreePort()
      const file = join(folder, 'redis.conf')
      await writeFile(file, settings({ folder, port, password }), { mode: 0o600 })
      const server = new RedisServer(folder, [program, file], port, password, `redis://:${password}@127.0.0.1:${port}`)
      await server.start()
      return server
    } catch (error) {
      await rm(folder, { recursive: true, force: true })
      throw error
    }
  }
}

export function startRedis(password?: string): Promise<RedisServer> {
  return RedisServer.create(password)
}

export function redisAt(url: string): RedisAddress {
  return { url, env: { REDIS_URL: url } }
}

function settings(place: { folder: string; port: number; password: string }): string {
  return [
    `dir ${place.folder}`,
    `port ${place.port}`,
    'bind 127.0.0.1',
    `requirepass ${place.password}`,
    `masterauth ${place.password}`,
    'daemonize no',
    'appendonly yes',
    // A disk that is slow to sync would make it silent for seconds; power cuts are not tested.
    'appendfsync no',
    'save ""',
    'maxmemory-policy noeviction',
  ].join('\n')
}

async function answers(url: string): Promise<void> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0, enableReadyCheck: false })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.ping()
  } finally {
    client.disconnect()
  }
}
