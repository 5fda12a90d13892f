import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { post, TenantFeeds } from '../feeds/sync/tenant-feeds.js'
import { sharedMariadbEnv } from '../support/drivers.js'
import { type ReplicatedMariadb, startReplicated } from '../support/replica.js'
import { ApiGround } from './ground.js'

const TIMEOUT_MS = 180_000
const PATIENCE = { timeout: 60_000, interval: 100 }

interface Posts {
  readonly posts: readonly { readonly title: string }[]
}

let servers: ReplicatedMariadb
beforeAll(async () => {
  servers = await startReplicated()
}, TIMEOUT_MS)
afterAll(() => servers[Symbol.asyncDispose]())

describe('reads of the API, where the database host has a replica', () => {
  let ground: ApiGround
  let acme: string
  let other: string
  beforeAll(async () => {
    const { replica } = servers
    const names = sharedMariadbEnv()
    ground = await ApiGround.create({
      ...names,
      ...servers.env,
      DB_READ_HOST: `${replica.host}:${replica.port}`,
      FEEDCTL_API_RATE: '0',
      FEEDCTL_API_CACHE_BYTES: '0',
    })
    acme = await ground.tenant('acme')
    other = await ground.tenant('other', ['--placement', 'shared'])
    for (const slug of ['acme', 'other']) await (await feedsOf(slug)).store([post('first')], 0, 0)
  }, TIMEOUT_MS)
  afterAll(() => ground[Symbol.asyncDispose]())

  const feedsOf = async (slug: string) => TenantFeeds.of(ground.app.catalog, await getTenant(ground.app.catalog, parseSlug(slug)))
  const countsNow = () => ({ ...ground.api.built.reads.counts })
  const titles = async (token: string) => (await ground.json<Posts>('/v1/posts', token)).posts.map(({ title }) => title)
  /** Where a page is read. */
  const placeOf = async (path: string, token: string) => {
    const before = countsNow()
    expect(await ground.ask(path, { headers: { authorization: `Bearer ${token}` } })).toMatchObject({ status: 200 })
    const after = countsNow()
    return after.replica > before.replica ? 'replica' : after.primary > before.primary ? 'primary' : 'nowhere'
  }
  const settled = (token: string) => expect.poll(() => placeOf('/v1/posts', token), PATIENCE).toBe('replica')
  const addFeed = async (token: string, url: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const { status } = await ground.ask('/v1/feeds', { method: 'POST', headers, body: JSON.stringify({ url }) })
    expect(status).toBe(201)
  }

  test('go to the replica, one statement a page, and what they lead to from the catalog to the host', async () => {
    await settled(acme)
    for (const path of [
      '/v1/posts?limit=1',
      '/v1/posts/1',
      '/v1/feeds',
      '/v1/feeds/1',
      '/v1/feeds.opml',
      '/v1/media',
      '/v1/usage',
      '/v1/analytics',
    ])
      await expect.poll(async () => [path, await placeOf(path, acme)], PATIENCE).toEqual([path, 'replica'])
    const { primary, replica } = servers
    const before = [await servers.selects(primary), await servers.selects(replica)] as const
    const reads = countsNow()
    for (let turn = 0; turn < 200; turn++) await titles(acme)
    const atReplica = (await servers.selects(replica)) - before[1]
    const atPrimary = (await servers.selects(primary)) - before[0]
    const replicaReads = countsNow().replica - reads.replica
    expect(replicaReads).toBeGreaterThan(100)
    // Beside pages, each server is asked a few times a second how far it is.
    expect(atReplica).toBeGreaterThanOrEqual(replicaReads)
    expect(atPrimary + atReplica).toBeLessThan(200 + 200)
    expect(atPrimary).toBeLessThan(atReplica)
  })

  test('of a tenant that has just written go to its host while the replica is held back, and those of others do not', async () => {
    await settled(acme)
    await settled(other)
    await servers.holdBack()
    onTestFinished(() => servers.goOn())
    await addFeed(acme, 'https://late.example/feed.xml')
    const urls = async () => (await ground.json<{ feeds: { url: string }[] }>('/v1/feeds', acme)).feeds.map(({ url }) => url)
    for (let turn = 0; turn < 20; turn++) expect(await urls()).toContain('https://late.example/feed.xml')
    expect(await placeOf('/v1/feeds', acme)).toBe('primary')
    expect(await placeOf('/v1/posts', other)).toBe('replica')
    await servers.goOn()
    await settled(acme)
    expect(await urls()).toContain('https://late.example/feed.xml')
  })

  test('show what another process wrote, as soon as that is heard of, whatever the replica has', async () => {
    await settled(acme)
    await servers.holdBack()
    onTestFinished(() => servers.goOn())
    await (await feedsOf('acme')).store([post('second')], 0, 1)
    const { contentChanged } = await import('../../src/tenants/content-version.js')
    await contentChanged(ground.app.catalog, (await getTenant(ground.app.catalog, parseSlug('acme'))).id)
    await expect.poll(() => titles(acme), PATIENCE).toContain('second')
    for (let turn = 0; turn < 20; turn++) expect(await titles(acme)).toContain('second')
  })

  test('go to the host when the replica is too far behind, and back when it is not', async () => {
    await settled(other)
    await servers.holdBack()
    onTestFinished(() => servers.goOn())
    // Without a change there is nothing that it could lack.
    await addFeed(acme, 'https://once-more.example/feed.xml')
    await expect.poll(() => placeOf('/v1/posts', other), PATIENCE).toBe('primary')
    expect((await ground.ask('/metrics')).body.toString()).toMatch(/feedctl_replica_behind_seconds\{host="default"\} \d\d/)
    await servers.goOn()
    await settled(other)
  })

  test(
    'do not fail while the replica is killed, frozen and started again under them',
    async () => {
      await settled(acme)
      let going = true
      const statuses = new Map<number, number>()
      const clients = [acme, other, acme, other].map(async token => {
        while (going) {
          const { status } = await ground.ask('/v1/posts', { headers: { authorization: `Bearer ${token}` } })
          statuses.set(status, (statuses.get(status) ?? 0) + 1)
        }
      })
      const { replica } = servers
      try {
        const answered = () => statuses.get(200) ?? 0
        const more = async (what: () => Promise<void> | void) => {
          await what()
          const before = answered()
          await expect.poll(answered, PATIENCE).toBeGreaterThan(before + 40)
        }
        await more(() => replica.kill())
        await more(() => replica.start())
        await settled(acme)
        await more(() => replica.pause())
        await more(() => replica.resume())
        await settled(acme)
      } finally {
        going = false
        replica.resume()
        await Promise.all(clients)
      }
      expect([...statuses.keys()]).toEqual([200])
    },
    TIMEOUT_MS,
  )

  test('answer that there is no such thing, as the host does', async () => {
    await settled(acme)
    expect((await ground.ask('/v1/posts/999', { headers: { authorization: `Bearer ${acme}` } })).status).toBe(404)
    const before = countsNow()
    expect((await ground.ask('/v1/feeds/999', { headers: { authorization: `Bearer ${acme}` } })).status).toBe(404)
    expect(countsNow().primary).toBe(before.primary)
  })
})
