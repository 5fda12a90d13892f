import { existsSync } from 'node:fs'
import { Redis } from 'ioredis'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { expect, inject, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/kernel/config.js'
import { deleteRedisKeys, describeDrivers, dropDatabases, sharedMariadbEnv, sharedRedisEnv } from './drivers.js'

const seen: string[] = []

describeDrivers('a combination of drivers', (env, combination) => {
  test('has settings that feedctl reads, and a folder of its own', () => {
    const { config } = loadConfig({ env, envFile: '/nonexistent/.env', envFileNamed: false })
    expect(`${config.dbConnection}/${config.cacheDriver}/${config.queueConnection}`).toBe(
      {
        embedded: 'sqlite/memory/sync',
        'mysql + sync': 'mysql/memory/sync',
        'sqlite + redis': 'sqlite/redis/redis',
        'mysql + redis': 'mysql/redis/redis',
      }[combination],
    )
    expect(existsSync(config.data)).toBe(true)
    expect(seen).not.toContain(config.data)
    seen.push(config.data)
  })
})

test('dropping the databases of one env keeps those of its neighbour', async () => {
  const [mine, theirs] = [sharedMariadbEnv(), sharedMariadbEnv()]
  const { host, port, username: user, password } = inject('mariadb')
  const connection = await createConnection({ host, port, user, password })
  onTestFinished(async () => {
    await dropDatabases(theirs)
    await connection.end()
  })
  const names = [mine, theirs].map(env => [env.DB_DATABASE, `${env.FEEDCTL_DATABASE_PREFIX}acme`])
  for (const name of names.flat()) await connection.query('CREATE DATABASE ??', [name])
  await dropDatabases(mine)
  const [rows] = await connection.query<RowDataPacket[]>('SHOW DATABASES')
  const left = rows.map(row => row.Database)
  expect(names[0]?.filter(name => left.includes(name))).toEqual([])
  expect(names[1]?.filter(name => left.includes(name))).toEqual(names[1])
})

test('deleting the keys of one env keeps those of its neighbour', async () => {
  const [mine, theirs] = [sharedRedisEnv(), sharedRedisEnv()]
  const client = new Redis(inject('redis').url)
  onTestFinished(async () => {
    await deleteRedisKeys(theirs)
    client.disconnect()
  })
  const keys = [mine, theirs].map(env => `{${env.FEEDCTL_REDIS_PREFIX}}:acme`)
  for (const key of keys) await client.set(key, 'here')
  await deleteRedisKeys(mine)
  expect(await client.mget(keys)).toEqual([null, 'here'])
})

test('databases and keys that no test made are never removed', async () => {
  await expect(dropDatabases({ ...sharedMariadbEnv(), DB_DATABASE: 'feedctl' })).rejects.toThrow('private')
  await expect(dropDatabases({ ...sharedMariadbEnv(), FEEDCTL_DATABASE_PREFIX: 't' })).rejects.toThrow('private')
  await expect(deleteRedisKeys({ ...sharedRedisEnv(), FEEDCTL_REDIS_PREFIX: 'feedctl' })).rejects.toThrow('private')
})
