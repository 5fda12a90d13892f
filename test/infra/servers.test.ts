import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { bufferPoolMb } from '../../src/infra/scale/mariadb.js'
import { runCli } from '../support/cli.js'
import { temporaryFolder } from '../support/folders.js'
import { findFreePort, findProgram } from '../support/server.js'
import { fileOf, onOneMachine, put, scaleOf } from './ground.js'
import { RenderedServer, runProgram, startRenderedMariadb } from './mariadb-place.js'

const PASSWORD = randomBytes(18).toString('hex')

test('MariaDB starts with the settings of primary and replica, which follows it, and feedctl has just its rights', async () => {
  const folder = temporaryFolder()
  const at = (name: string) => join(folder, 'second', name)
  for (const name of ['data', 'log', 'run']) mkdirSync(at(name), { recursive: true })
  const replica = {
    address: '127.0.0.1',
    port: await findFreePort(),
    memory_mb: 256,
    data: at('data'),
    logs: at('log'),
    run: at('run'),
  }
  const deployment = await onOneMachine(folder, { database: { replica } })
  const files = scaleOf(deployment)
  const [primary, second] = await Promise.all([
    startRenderedMariadb(folder, deployment, 'database'),
    startRenderedMariadb(folder, deployment, 'replica'),
  ])
  const [variables] = await primary(
    'SELECT @@innodb_buffer_pool_size / 1048576 AS pool, @@max_connections AS most, @@sync_binlog AS synced, @@table_open_cache AS tables',
  )
  expect(variables).toMatchObject({ pool: '256.0000', most: 3 * 6 * 8 + 2 * 8 + 40, synced: 1, tables: 8000 })

  const secrets = join(folder, 'secrets')
  mkdirSync(secrets)
  for (const name of ['db-password', 'replication-password']) writeFileSync(join(secrets, name), `${PASSWORD}\n`)
  const users = put(folder, fileOf(files, 'database', 'feedctl-database-users'))
  await runProgram(users, [secrets])
  await runProgram(users, [secrets])
  await runProgram(put(folder, fileOf(files, 'replica', 'feedctl-follow-primary')), [], { stdin: `${PASSWORD}\n` })
  await primary('CREATE DATABASE feedctl')
  await expect.poll(async () => (await second("SHOW DATABASES LIKE 'feedctl'")).length).toBe(1)
  await expect(second('SELECT @@read_only AS value')).resolves.toEqual([{ value: 1 }])
  const logs = readdirSync(deployment.scale.database.data).filter(name => /^binlog\.\d+$/.test(name))
  const logged = logs.map(name => readFileSync(join(deployment.scale.database.data, name), 'latin1')).join('')
  expect(logged).toContain('IDENTIFIED BY PASSWORD')
  expect(logged).not.toContain(PASSWORD)

  expect(Object.values((await primary("SHOW GRANTS FOR 'prometheus'@'localhost'"))[0] ?? {})[0]).toMatch(
    /^GRANT PROCESS, BINLOG MONITOR, SLAVE MONITOR ON .*unix_socket/,
  )
  const grants = (await primary("SHOW GRANTS FOR 'feedctl'@'%'")).map(row => String(Object.values(row)[0]))
  const page = await readFile(fileURLToPath(new URL('../../docs/mysql-rights.md', import.meta.url)), 'utf8')
  const documented = /CREATE USER[^;]*;\n((?:GRANT[^;]*;\n)+)/.exec(page)?.[1] ?? ''
  // The server has an order of rights of its own.
  const plain = (grant: string) => grant.replaceAll(/[`';]/g, '').split(/,? /).sort().join(' ')
  expect(grants.slice(1).map(plain).sort()).toEqual(documented.trim().split('\n').map(plain).sort())
  writeFileSync(join(secrets, 'db-password'), "x' OR '1'='1 --------")
  await expect(runProgram(users, [secrets])).rejects.toThrow(/has other letters/)
})

test('a replica of a primary that has data, and a log without its beginning, starts from a backup and has accounts of its own', async () => {
  const folder = temporaryFolder()
  const at = (name: string) => join(folder, 'second', name)
  for (const name of ['data', 'log', 'run']) mkdirSync(at(name), { recursive: true })
  const place = { address: '127.0.0.1', port: await findFreePort(), memory_mb: 256 }
  const replica = { ...place, data: at('data'), logs: at('log'), run: at('run') }
  const backup = { folder: join(folder, 'backups'), offsite: null }
  const deployment = await onOneMachine(folder, { database: { replica }, backup })
  const files = scaleOf(deployment)
  const run = (machine: string, name: string, args: string[] = [], stdin = '') =>
    runProgram(put(folder, fileOf(files, machine, `/${name}`)), args, { stdin, env: { TEXTFILES: join(folder, 'none') } })
  const [primary, second] = await Promise.all([
    startRenderedMariadb(folder, deployment, 'database'),
    startRenderedMariadb(folder, deployment, 'replica'),
  ])
  const secrets = join(folder, 'secrets')
  mkdirSync(secrets)
  for (const name of ['db-password', 'replication-password']) writeFileSync(join(secrets, name), `${PASSWORD}\n`)
  await run('database', 'feedctl-database-users', [secrets])
  await primary('CREATE DATABASE feedctl')
  await primary('CREATE TABLE feedctl.words (word VARCHAR(99) PRIMARY KEY)')
  await primary("INSERT INTO feedctl.words VALUES ('before')")
  // What the machine had when it was tried out.
  await second('CREATE DATABASE tenant_old')
  await primary('FLUSH BINARY LOGS')
  const [status] = await primary('SHOW MASTER STATUS')
  await primary("INSERT INTO feedctl.words VALUES ('after')")
  await run('database', 'feedctl-backup')
  await primary(`PURGE BINARY LOGS TO '${status?.File}'`)
  await primary("INSERT INTO feedctl.words VALUES ('later')")

  const newest = readdirSync(backup.folder)
    .filter(name => name.endsWith('.sql.gz'))
    .sort()
    .at(-1)
  await run('replica', 'feedctl-database-users', [secrets])
  await run('replica', 'feedctl-follow-primary', [join(backup.folder, newest ?? '')], `${PASSWORD}\n`)
  const words = async () => (await second('SELECT word FROM feedctl.words ORDER BY word')).map(({ word }) => word)
  await expect.poll(words).toEqual(['after', 'before', 'later'])
  expect(await second("SHOW DATABASES LIKE 'tenant%'")).toEqual([])
  expect(await second("SELECT User AS user FROM mysql.user WHERE User LIKE 'feedctl%' ORDER BY user")).toEqual([
    { user: 'feedctl' },
    { user: 'feedctl_replica' },
  ])
  await expect(run('replica', 'feedctl-restore', [join(backup.folder, newest ?? ''), 'all'])).rejects.toThrow(/is a replica/)
})

test('Redis starts with its settings and users, loses and evicts nothing, and feedctl works on it', async () => {
  const folder = temporaryFolder()
  const deployment = await onOneMachine(folder)
  const files = scaleOf(deployment)
  const { redis } = deployment.scale
  const own = join(folder, 'redis-process')
  mkdirSync(own)
  await expect(runProgram(put(folder, fileOf(files, 'redis', 'feedctl-redis-users')), [], { stdin: 'short\n' })).rejects.toThrow(
    /fewer than 16/,
  )
  await runProgram(put(folder, fileOf(files, 'redis', 'feedctl-redis-users')), [], { stdin: `${PASSWORD}\n` })
  const users = await readFile(`${redis.config}/users.acl`, 'utf8')
  expect(users).not.toContain(PASSWORD)
  const conf = put(folder, fileOf(files, 'redis', '/redis.conf'))
  const ask = async <T>(deed: (client: Redis) => Promise<T>): Promise<T> => {
    const client = new Redis({ host: '127.0.0.1', port: redis.port, password: PASSWORD, lazyConnect: true, retryStrategy: null })
    client.on('error', () => {})
    try {
      await client.connect()
      return await deed(client)
    } finally {
      client.disconnect()
    }
  }
  const server = new RenderedServer(
    own,
    [findProgram(['redis-server'], 'redis-server'), conf],
    async () => void (await ask(client => client.ping())),
  )
  onTestFinished(() => server.dispose())
  await server.start()
  expect(await ask(client => client.info('memory'))).toMatch(/maxmemory:160432128\r?\n[\s\S]*maxmemory_policy:noeviction/)
  await expect(ask(client => client.flushall())).rejects.toThrow(/NOPERM/)
  const exporter = parseEnv(await readFile(`${redis.config}/exporter.env`, 'utf8'))
  const asExporter = async (deed: (client: Redis) => Promise<unknown>) =>
    ask(async client => {
      await client.auth(exporter.REDIS_USER ?? '', exporter.REDIS_PASSWORD ?? '')
      return deed(client)
    })
  expect(await asExporter(client => client.info())).toMatch(/redis_version/)
  await expect(asExporter(client => client.get('x'))).rejects.toThrow(/NOPERM/)

  const env = {
    REDIS_HOST: '127.0.0.1',
    REDIS_PORT: String(redis.port),
    REDIS_PASSWORD: PASSWORD,
    QUEUE_CONNECTION: 'redis',
    CACHE_DRIVER: 'redis',
  }
  const doctor = JSON.parse((await runCli(['doctor', '--json'], { env, cwd: folder })).out) as {
    findings: { id: string; severity: string }[]
  }
  const found = doctor.findings.filter(({ id }) => id.startsWith('redis.'))
  expect(found.length).toBeGreaterThan(2)
  expect(found.filter(({ severity }) => severity !== 'ok')).toEqual([])
  const { exit } = await runCli(['sync', '--all', '--detach', '--json'], { env, cwd: folder })
  expect(exit).toBe(0)
})

test.each([
  [256, 128],
  [1024, 640],
  [16_384, 11_392],
])('of %i MB the buffer pool has %i', (memory, pool) => {
  expect(bufferPoolMb(memory)).toBe(pool)
})
