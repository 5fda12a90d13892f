import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import ts from 'typescript'
import { describe, expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from './folders.js'
import { startMariadb } from './mariadb.js'
import { type RedisServer, startRedis } from './redis.js'

const TABLES_FOLLOWED = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'followed'"

describe('a private MariaDB', () => {
  test('keeps its rows over a stop, a start and a kill, on the same port, and leaves nothing behind', async () => {
    const server = await startMariadb()
    onTestFinished(() => server.dispose())
    await server.query('CREATE DATABASE kept')
    await server.query('CREATE TABLE kept.words (word VARCHAR(20))')
    await server.query("INSERT INTO kept.words VALUES ('before')")
    const first = server.pid
    await server.kill()
    await expect(server.query('SELECT 1')).rejects.toThrow('ECONNREFUSED')
    await server.start()
    expect(server.pid).not.toBe(first)
    expect(await server.query('SELECT word FROM kept.words')).toEqual([{ word: 'before' }])
    expect(await server.query('SELECT @@innodb_flush_log_at_trx_commit AS flush')).toEqual([{ flush: 1 }])
    await server.restart()
    expect(await server.query('SELECT word FROM kept.words')).toEqual([{ word: 'before' }])
    await server.dispose()
    expect([existsSync(server.folder), isRunning(first), isRunning(server.pid)]).toEqual([false, false, false])
  })

  test('follows another one that keeps a binary log, over restarts of both', async () => {
    const first = await startMariadb({ serverId: 1, binaryLog: true })
    onTestFinished(() => first.dispose())
    const second = await startMariadb({ serverId: 2, binaryLog: true, flags: ['--max-connections=20'] })
    onTestFinished(() => second.dispose())
    expect(await second.query('SELECT @@server_id AS id, @@max_connections AS most')).toEqual([{ id: 2, most: 20 }])
    const login = `MASTER_USER='${first.username}', MASTER_PASSWORD='${first.password}', MASTER_USE_GTID=slave_pos, MASTER_CONNECT_RETRY=1`
    await second.query(`CHANGE MASTER TO MASTER_HOST='${first.host}', MASTER_PORT=${first.port}, ${login}`)
    await second.query('START SLAVE')
    await first.query('CREATE DATABASE followed')
    await first.restart()
    await second.restart()
    await first.query('CREATE TABLE followed.words (word VARCHAR(20))')
    await until(async () => (await second.query(TABLES_FOLLOWED)).length === 1)
  })
})

describe('a private Redis', () => {
  test('keeps its keys over a stop and a start, evicts nothing, and leaves nothing behind', async () => {
    const server = await startRedis()
    onTestFinished(() => server.dispose())
    expect(await withRedis(server, client => client.set('word', 'before'))).toBe('OK')
    await server.stop()
    await server.start()
    expect(await withRedis(server, client => client.get('word'))).toBe('before')
    expect(await withRedis(server, client => client.config('GET', 'maxmemory-policy'))).toEqual([
      'maxmemory-policy',
      'noeviction',
    ])
    await server.dispose()
    expect([existsSync(server.folder), isRunning(server.pid)]).toEqual([false, false])
  })

  test('answers what was asked while it was paused, once it is resumed', async () => {
    const server = await startRedis()
    onTestFinished(() => server.dispose())
    await withRedis(server, async client => {
      server.pause()
      await until(() => /^State:\s+T/m.test(readFileSync(`/proc/${server.pid}/status`, 'utf8')))
      const answer = client.ping()
      server.resume()
      expect(await answer).toBe('PONG')
    })
  })

  test('refuses a client without the password', async () => {
    const server = await startRedis()
    onTestFinished(() => server.dispose())
    const stranger = new Redis({ port: server.port, lazyConnect: true, retryStrategy: null, enableReadyCheck: false })
    onTestFinished(() => stranger.disconnect())
    await stranger.connect()
    await expect(stranger.ping()).rejects.toThrow('NOAUTH')
  })
})

test('a program ends, and its folder goes, with an owner that is killed', async () => {
  const place = temporaryFolder()
  const folder = temporaryFolder()
  const source = readFileSync(join(import.meta.dirname, 'watched-process.ts'), 'utf8')
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 }
  writeFileSync(join(place, 'watched-process.mjs'), ts.transpileModule(source, { compilerOptions: options }).outputText)
  const owner = [
    "import { WatchedProcess } from './watched-process.mjs'",
    `const child = await WatchedProcess.start(['sleep', '600'], ${JSON.stringify({ folder, log: join(folder, 'log') })})`,
    'console.log(child.pid)',
    'setInterval(() => {}, 1000)',
  ]
  writeFileSync(join(place, 'owner.mjs'), owner.join('\n'))
  const running = spawn(process.execPath, [join(place, 'owner.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void running.kill('SIGKILL'))
  const [line] = await once(running.stdout, 'data')
  const pid = Number(String(line))
  expect([isRunning(pid), existsSync(folder)]).toEqual([true, true])
  running.kill('SIGKILL')
  await until(() => !isRunning(pid) && !existsSync(folder))
})

async function withRedis<T>(server: RedisServer, deed: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(server.url)
  try {
    return await deed(client)
  } finally {
    client.disconnect()
  }
}

/** Whether the process lives; one that has ended but was not yet waited for does not. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Waits for as long as the test may last. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(10)
}
