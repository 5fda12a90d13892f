import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { sql } from 'kysely'
import type { Catalog } from '../../src/tenants/catalog.js'
import { type DatabaseName, parseDatabaseName } from '../../src/tenants/ids.js'
import type { TestEnv } from '../support/drivers.js'

/** A place where something was found: `<database>.<table>`, `redis <key>`, a path. */
export type Trace = string

/** Every row of every table of the databases that has the word in any column. */
export async function tracesInDatabases(catalog: Catalog, names: readonly DatabaseName[], word: string): Promise<Trace[]> {
  const found: Trace[] = []
  for (const name of names) {
    await catalog.server.use<object, void>(name, async ({ kysely, dialect }) => {
      const tables =
        dialect === 'sqlite'
          ? await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(kysely)
          : await sql<{
              name: string
            }>`select table_name as name from information_schema.tables where table_schema = ${name}`.execute(kysely)
      for (const { name: table } of tables.rows) {
        const quoted = dialect === 'sqlite' ? `"${table}"` : `\`${name}\`.\`${table}\``
        const { rows } = await sql<Record<string, unknown>>`/* of all tenants */ select * from ${sql.raw(quoted)}`.execute(kysely)
        if (rows.some(row => JSON.stringify(row).includes(word))) found.push(`${name}.${table}`)
      }
    })
  }
  return found
}

/** Names of the databases whose names begin with this. */
export async function databasesFrom(catalog: Catalog, env: TestEnv, prefix: string): Promise<DatabaseName[]> {
  if (catalog.server.dialect === 'sqlite') {
    const files = readdirSync(env.FEEDCTL_DATA ?? '', { recursive: true }).map(String)
    const names = files.flatMap(file => /([^/]+)\.db$/.exec(file)?.[1] ?? [])
    return names.filter(name => name.startsWith(prefix)).map(parseDatabaseName)
  }
  return catalog.server.use<object, DatabaseName[]>(catalog.name, async ({ kysely }) => {
    const { rows } = await sql<{ Database: string }>`show databases`.execute(kysely)
    return rows.flatMap(row => (row.Database.startsWith(prefix) ? [parseDatabaseName(row.Database)] : []))
  })
}

/** Every key under the prefix whose name or value has the word. */
export async function tracesInRedis(env: TestEnv, word: string): Promise<Trace[]> {
  const redis = new Redis(env.REDIS_URL ?? '')
  try {
    const found: Trace[] = []
    for await (const keys of redis.scanStream({ match: `*${env.FEEDCTL_REDIS_PREFIX}*`, count: 1000 }))
      for (const key of keys as string[]) if (`${key} ${await textOf(redis, key)}`.includes(word)) found.push(`redis ${key}`)
    return found
  } finally {
    redis.disconnect()
  }
}

async function textOf(redis: Redis, key: string): Promise<string> {
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.getBuffer(key))?.toString('latin1') ?? ''
    case 'hash':
      return JSON.stringify(await redis.hgetall(key))
    case 'list':
      return JSON.stringify(await redis.lrange(key, 0, -1))
    case 'set':
      return JSON.stringify(await redis.smembers(key))
    case 'zset':
      return JSON.stringify(await redis.zrange(key, 0, -1))
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'))
    default:
      return ''
  }
}

/** Every file below the folder, but for databases, whose path or content has the word. */
export function tracesInFiles(folder: string, word: string): Trace[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map(entry => ({ path: join(entry.parentPath, entry.name), isFile: entry.isFile() }))
    .filter(({ path }) => !/\.db(-wal|-shm)?$/.test(path))
    .filter(({ path, isFile }) => `${path.slice(folder.length)} ${isFile ? readFileSync(path, 'latin1') : ''}`.includes(word))
    .map(({ path }) => path)
}
