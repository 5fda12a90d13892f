import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type FeedServer, startFeedServer } from '../../src/bench/feed-server/server.js'
import { contentOf, countPosts } from '../e2e/content.js'
import { Installation } from '../e2e/installation.js'
import { startPublisher } from '../e2e/publisher.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'

const ITEMS = 3

async function begin(settings: TestEnv = {}): Promise<{ server: FeedServer; installation: Installation }> {
  const server = await startFeedServer({ items: ITEMS })
  const installation = await Installation.create(settings)
  onTestFinished(async () => {
    await installation[Symbol.asyncDispose]()
    await server.close()
  })
  return { server, installation }
}

describe('which tenants are synced', () => {
  test('is for the operator to say', async () => {
    const { installation } = await begin()
    expect(await installation.run(['sync'])).toMatchObject({ exit: 2, out: '' })
    expect(await installation.run(['sync', 'acme', '--all'])).toMatchObject({ exit: 2, out: '' })
  })

  test('is asked of nobody when a setting of the fetcher is wrong', async () => {
    const { server, installation } = await begin()
    await installation.createTenant('acme', [server.urlOf(1)])
    const wrong = await installation.run(['sync', '--all'], { env: { ...installation.env, FEEDCTL_FETCH_ALLOW: '10.0.0.0/99' } })
    expect(wrong).toMatchObject({ exit: 3, out: '' })
    expect(wrong.err).toContain('(CONFIG_INVALID)')
    expect(server.stats().requests).toBe(0)
  })

  test('are the ones that were named, each once', async () => {
    const { server, installation } = await begin()
    for (const slug of ['acme', 'globex', 'initech']) await installation.createTenant(slug, [server.urlOf(1)])
    const { exit, report } = await installation.sync('acme', 'globex', 'acme')
    expect(exit).toBe(0)
    expect(report.tenants).toEqual({ total: 2, ok: 2, failed: 0, skipped: 0 })
    const content = await contentOf(installation)
    expect(Object.values(content).map(({ posts }) => posts.length)).toEqual([ITEMS, ITEMS, 0])
  })

  test('is a refusal when one of them does not exist or is suspended, and nothing is fetched', async () => {
    const { server, installation } = await begin()
    for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [server.urlOf(1)])
    await installation.run(['tenant', 'suspend', 'globex'])
    const missing = await installation.run(['sync', 'acme', 'nobody'])
    expect(missing).toMatchObject({ exit: 4, out: '', err: expect.stringContaining('TENANT_NOT_FOUND') })
    const suspended = await installation.run(['sync', 'acme', 'globex'])
    expect(suspended).toMatchObject({ exit: 4, out: '', err: expect.stringContaining('TENANT_WRONG_STATE') })
    expect(suspended.err).toContain('feedctl tenant resume globex')
    expect(server.stats().requests).toBe(0)
  })

  test('leaves a suspended one out of --all', async () => {
    const { server, installation } = await begin()
    for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [server.urlOf(1)])
    await installation.run(['tenant', 'suspend', 'globex'])
    expect((await installation.sync('--all')).report.tenants).toEqual({ total: 1, ok: 1, failed: 0, skipped: 0 })
    expect((await contentOf(installation)).globex?.posts).toEqual([])
  })

  test('may be none at all', async () => {
    const { installation } = await begin()
    expect(await installation.sync('--all')).toMatchObject({ exit: 0, report: { tenants: { total: 0 } } })
  })
})

test('the text says what was done, and names what failed', async () => {
  const { server, installation } = await begin()
  await installation.createTenant('acme', [server.urlOf(1), server.faultUrl('status-404')])
  const { exit, out, err } = await installation.run(['sync', 'acme'])
  expect(exit).toBe(6)
  expect(out).toContain('synced 1 of 1 tenants')
  expect(out).toContain(`acme ${server.faultUrl('status-404')}: HTTP 404 (FEED_HTTP_STATUS)`)
  expect(err).toContain('1 of 2 feeds failed (PARTIAL)')
})

test('--quiet says nothing when all went well', async () => {
  const { server, installation } = await begin()
  await installation.createTenant('acme', [server.urlOf(1)])
  expect(await installation.run(['sync', '--all', '--quiet'])).toEqual({ exit: 0, out: '', err: '' })
})

test.each<[string, TestEnv]>([
  ['a file', {}],
  ['a MariaDB schema', { DB_CONNECTION: 'mysql' }],
])('a tenant whose database (%s) was dropped fails alone', async (_name, drivers) => {
  const { server, installation } = await begin(drivers.DB_CONNECTION === 'mysql' ? sharedMariadbEnv() : {})
  for (const slug of ['acme', 'globex', 'initech']) await installation.createTenant(slug, [server.urlOf(1)])
  await using app = await installation.open()
  if (app.catalog.server.dialect === 'mysql') {
    const name = `${installation.env.FEEDCTL_DATABASE_PREFIX}globex`
    const { createConnection } = await import('mysql2/promise')
    const { DB_HOST: host = '', DB_PORT: port, DB_USERNAME: user = '', DB_PASSWORD: password = '' } = installation.env
    const connection = await createConnection({ host, port: Number(port), user, password })
    await connection.query('DROP DATABASE ??', [name])
    await connection.end()
  } else {
    for (const end of ['', '-wal', '-shm']) {
      rmSync(join(installation.env.FEEDCTL_DATA ?? '', 'databases', `tenant_globex.db${end}`), { force: true })
    }
  }
  const { exit, report } = await installation.sync('--all')
  expect(exit).toBe(6)
  expect(report.tenants).toEqual({ total: 3, ok: 2, failed: 1, skipped: 0 })
  expect(report.failures).toMatchObject([{ tenant: 'globex', url: null, code: 'SCHEMA_MISSING' }])
  expect(report.posts.new).toBe(2 * ITEMS)
})

describe('--ping-url', () => {
  test('calls start and the URL itself, or fail', async () => {
    const { server, installation } = await begin()
    await using watcher = await startPublisher((_path, response) => response.end('ok'))
    await installation.createTenant('acme', [server.urlOf(1)])
    await installation.createTenant('globex', [server.faultUrl('status-500')])
    await installation.run(['sync', 'acme', '--ping-url', watcher.urlOf('/abc')])
    expect(watcher.asked.splice(0)).toEqual(['/abc/start', '/abc'])
    expect((await installation.run(['sync', '--all', '--ping-url', watcher.urlOf('/abc/')])).exit).toBe(6)
    expect(watcher.asked.splice(0)).toEqual(['/abc/start', '/abc/fail'])
    expect((await installation.run(['sync', 'nobody', '--ping-url', watcher.urlOf('/abc')])).exit).toBe(4)
    expect(watcher.asked.splice(0)).toEqual(['/abc/start', '/abc/fail'])
    await installation.run(['sync', 'acme', '--ping-url', watcher.urlOf('/abc?rid=7')])
    expect(watcher.asked).toEqual(['/abc/start?rid=7', '/abc?rid=7'])
  })

  test('does no harm when nobody answers', async () => {
    const { server, installation } = await begin()
    await installation.createTenant('acme', [server.urlOf(1)])
    const { exit, err } = await installation.run(['sync', 'acme', '--ping-url', 'http://127.0.0.1:1/'])
    expect(exit).toBe(0)
    expect(err).toContain('the ping did not get through')
  })

  test('is refused when it is no URL, before anything is done', async () => {
    const { server, installation } = await begin()
    await installation.createTenant('acme', [server.urlOf(1)])
    expect(await installation.run(['sync', 'acme', '--ping-url', 'ftp://x'])).toMatchObject({ exit: 2, out: '' })
    expect(server.stats().requests).toBe(0)
  })
})

describe('with no worker', () => {
  const onRedis = () => ({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' })

  test('sync says so and leaves the jobs, which the next worker does', async () => {
    const { server, installation } = await begin(onRedis())
    for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [server.urlOf(1)])
    const refused = await installation.run(['sync', '--all', '--json', '--progress', 'none'])
    expect(refused).toMatchObject({ exit: 5, out: '' })
    expect(JSON.parse(refused.err).error).toMatchObject({ code: 'NO_WORKER', hint: 'feedctl queue work' })
    expect(server.stats().requests).toBe(0)

    await installation.startWorker()
    await expect.poll(() => countPosts(installation), { timeout: 20_000, interval: 200 }).toBe(2 * ITEMS)
  })

  test('--detach enqueues and returns, and enqueues nothing twice', async () => {
    const { server, installation } = await begin(onRedis())
    for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [server.urlOf(1)])
    const detach = async () => {
      const { exit, out } = await installation.run(['sync', '--all', '--detach', '--json'])
      expect(exit).toBe(0)
      return JSON.parse(out)
    }
    const first = { run_id: expect.any(String), enqueued: 2, already_queued: 0, duration_ms: expect.any(Number) }
    expect(await detach()).toEqual(first)
    expect(await detach()).toMatchObject({ enqueued: 0, already_queued: 2 })
    await installation.startWorker()
    const { exit, report } = await installation.sync('--all')
    expect(exit).toBe(0)
    expect(report.tenants.ok).toBe(2)
    expect(await countPosts(installation)).toBe(2 * ITEMS)
  })

  test('--detach is refused where there are no workers to come', async () => {
    const { installation } = await begin()
    expect(await installation.run(['sync', '--all', '--detach'])).toMatchObject({ exit: 2, out: '' })
  })
})
