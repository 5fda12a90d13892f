import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { afterAll, beforeAll, describe, inject } from 'vitest'

/** Settings of one feedctl, by environment name. */
export type TestEnv = Readonly<Record<string, string>>

const EMBEDDED = { DB_CONNECTION: 'sqlite', CACHE_DRIVER: 'memory', QUEUE_CONNECTION: 'sync' }
const ON_REDIS = { CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' }

/** The combinations of drivers that the same blocks run on; `env` is fresh at every call. */
const COMBINATIONS: readonly { name: string; env: () => TestEnv }[] = [
  { name: 'embedded', env: () => EMBEDDED },
  { name: 'mysql + sync', env: () => ({ ...EMBEDDED, ...sharedMariadbEnv() }) },
  { name: 'sqlite + redis', env: () => ({ ...EMBEDDED, ...ON_REDIS, ...sharedRedisEnv() }) },
  { name: 'mysql + redis', env: () => ({ ...EMBEDDED, ...ON_REDIS, ...sharedMariadbEnv(), ...sharedRedisEnv() }) },
]

/** The MariaDB of the run under names of its own: a catalog and a prefix of tenant databases that nothing else has. Drop them with `dropDatabases`. */
export function sharedMariadbEnv(): TestEnv {
  const name = randomBytes(5).toString('hex')
  return { ...inject('mariadb').env, DB_DATABASE: `ft_${name}`, FEEDCTL_DATABASE_PREFIX: `t${name}_` }
}

/** The Redis of the run under a key prefix of its own. Delete the keys with `deleteRedisKeys`. */
export function sharedRedisEnv(): TestEnv {
  return { ...inject('redis').env, FEEDCTL_REDIS_PREFIX: `t${randomBytes(5).toString('hex')}` }
}

/** Drops the catalog and the tenant databases of a `sharedMariadbEnv`, and nothing else. */
export async function dropDatabases(env: TestEnv): Promise<void> {
  const { DB_DATABASE: catalog = '', FEEDCTL_DATABASE_PREFIX: prefix = '' } = env
  if (!/^ft_[0-9a-f]{10}$/.test(catalog) || !/^t[0-9a-f]{10}_$/.test(prefix))
    throw new Error('these are no private database names')
  const connection = await createConnection({
    host: env.DB_HOST ?? '',
    port: Number(env.DB_PORT),
    user: env.DB_USERNAME ?? '',
    password: env.DB_PASSWORD ?? '',
  })
  try {
    const [rows] = await connection.query<RowDataPacket[]>(
      'SELECT schema_name AS name FROM information_schema.schemata WHERE schema_name = ? OR LEFT(schema_name, ?) = ?',
      [catalog, prefix.length, prefix],
    )
    for (const row of rows) await connection.query('DROP DATABASE IF EXISTS ??', [row.name])
  } finally {
    await connection.end()
  }
}

/** Deletes the keys under the prefix of a `sharedRedisEnv`, and nothing else. */
export async function deleteRedisKeys(env: TestEnv): Promise<void> {
  const { REDIS_URL: url = '', FEEDCTL_REDIS_PREFIX: prefix = '' } = env
  if (!/^t[0-9a-f]{10}$/.test(prefix)) throw new Error('this is no private key prefix')
  const client = new Redis(url)
  try {
    // BullMQ's prefix may stand in the braces of a hash tag.
    for await (const keys of client.scanStream({ match: `*${prefix}*`, count: 1000 })) {
      if (keys.length > 0) await client.unlink(...keys)
    }
  } finally {
    client.disconnect()
  }
}

/**
 * Runs the block once for every combination of drivers, each with settings, names and a `FEEDCTL_DATA` folder of its own, all removed after
 * the block. One env serves the whole block: tests of a block share its catalog.
 */
export function describeDrivers(title: string, block: (env: TestEnv, combination: string) => void): void {
  for (const combination of COMBINATIONS) {
    describe(`${title} (${combination.name})`, () => {
      const folder = join(tmpdir(), `feedctl-test-${randomBytes(6).toString('hex')}`)
      const env: TestEnv = { ...combination.env(), FEEDCTL_DATA: folder }
      beforeAll(() => {
        mkdirSync(folder)
      })
      afterAll(async () => {
        rmSync(folder, { recursive: true, force: true })
        if (env.DB_CONNECTION === 'mysql') await dropDatabases(env)
        if (env.QUEUE_CONNECTION === 'redis') await deleteRedisKeys(env)
      })
      block(env, combination.name)
    })
  }
}
