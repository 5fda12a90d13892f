import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { removeFeed } from '../../../src/feeds/subscriptions.js'
import { deletePosts } from '../../../src/feeds/tombstones.js'
import { Failure } from '../../../src/kernel/errors.js'
import { identityOf } from '../../../src/media/identity.js'
import { contentName, hashName, parseMediaName } from '../../../src/media/names.js'
import { setMediaPolicy } from '../../../src/media/policy.js'
import { pruneUnlinked } from '../../../src/media/prune-unlinked.js'
import { tenantMediaLock } from '../../../src/media/tenant-lock.js'
import { liftFence } from '../../../src/tenants/fence.js'
import { withLock } from '../../../src/tenants/locks.js'
import { pauseTenant } from '../../../src/tenants/pausing.js'
import type { TenantFeeds } from '../../feeds/sync/tenant-feeds.js'
import { fence } from '../../tenants/fences.js'
import { describeDatabases } from '../../tenants/installation.js'
import { IntakeGround } from './intake-ground.js'
import { MP3, png, sha256 } from './pictures.js'

const calm = new AbortController().signal

describeDatabases('the life of stored media', env => {
  const prune = async (ground: IntakeGround, feeds: TenantFeeds, dryRun = false) => {
    const { catalog, log, disks } = ground.parts
    return pruneUnlinked({ catalog, log, disks: async () => disks }, feeds.tenant, { dryRun, signal: calm })
  }
  const onDisk = async (ground: IntakeGround, feeds: TenantFeeds) =>
    (await readdir(join(ground.parts.disks.local.folder, String(feeds.tenant.id)), { recursive: true }).catch(() => []))
      .filter(name => /\.\w+$/.test(name))
      .sort()

  it('stores nothing of a tenant that a move holds off, loses nothing, and goes on when it is lifted', async () => {
    const ground = await IntakeGround.open(env)
    const { catalog } = ground.here
    const feeds = await ground.tenant()
    ground.served.set('/first.png', png(20)).set('/second.png', png(21))
    await feeds.store([ground.post('a', ['/first.png'])], 1)
    await fence(catalog, feeds.tenant, 1)
    await ground.job(feeds)
    expect([await ground.outcomes(feeds), ground.again]).toEqual([[], 0])
    await liftFence(catalog, feeds.tenant, 1)
    await ground.jobs(feeds)
    await feeds.store([ground.post('b', ['/second.png'])], 2)
    // As if the move began when the job had looked.
    const held = fence(catalog, feeds.tenant, 2)
    await ground.job(feeds)
    await held
    await ground.job(feeds)
    await liftFence(catalog, feeds.tenant, 2)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual(['/first.png stored', '/second.png stored'])
    expect((await ground.files(feeds)).length).toBe(2)
  })

  it('begins with the posts after the one that was newest when the policy came to want something', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/old.png', png(10)).set('/none.png', png(11)).set('/new.png', png(12))
    await feeds.on(tables => tables.transaction(tx => tx.remove('counters').where('name', '=', 'media_posts').execute()))
    await feeds.store([ground.post('before', ['/old.png'])], 1)
    expect(await ground.begin(feeds.tenant)).toBe(false)
    await feeds.store([ground.post('after', ['/new.png'])], 2)
    expect(await ground.begin(feeds.tenant)).toBe(true)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual(['/new.png stored'])
    await setMediaPolicy(ground.parts.catalog, feeds.tenant, { mediaTypes: [] })
    expect(await ground.begin(await ground.tenantNow(feeds))).toBe(false)
    await feeds.store([ground.post('unwanted', ['/none.png'])], 3)
    await ground.jobs(feeds)
    await setMediaPolicy(ground.parts.catalog, feeds.tenant, { mediaTypes: null })
    expect(await ground.begin(await ground.tenantNow(feeds))).toBe(false)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual(['/new.png stored'])
  })

  it('keeps to the policy of the tenant: types, size and number', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    await setMediaPolicy(ground.parts.catalog, feeds.tenant, { mediaTypes: ['audio'], mediaPerPost: 2 })
    ground.served.set('/1.mp3', MP3).set('/2', MP3).set('/3.mp3', MP3).set('/p.png', png(13))
    const enclosures = [
      { url: ground.url('/film.mp4'), type: 'video/mp4', bytes: null },
      { url: ground.url('/huge.mp3'), type: 'audio/mpeg', bytes: 1e12 },
      { url: ground.url('/1.mp3'), type: 'audio/mpeg', bytes: 500 },
      { url: ground.url('/2'), type: null, bytes: null },
      { url: ground.url('/3.mp3'), type: 'audio/mpeg', bytes: 500 },
    ]
    await feeds.store([ground.post('a', ['/p.png'], { enclosures })], 1)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual([
      '/1.mp3 stored',
      '/2 stored',
      '/film.mp4 MEDIA_REFUSED',
      '/huge.mp3 MEDIA_REFUSED',
      '/p.png MEDIA_REFUSED',
    ])
    expect(ground.publisher.asked.toSorted()).toEqual(['/1.mp3', '/2'])
  })

  it('waits while the tenant is paused, and does a large one in several jobs', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    const paths = Array.from({ length: 100 }, (_, n) => `/n${n}.png`)
    for (const [n, path] of paths.entries()) ground.served.set(path, png(n))
    await feeds.store(
      paths.map((path, n) => ground.post(`p${n}`, [path])),
      1,
    )
    await pauseTenant(ground.parts.catalog, feeds.tenant.slug)
    await ground.jobs(feeds)
    expect(await ground.links(feeds)).toEqual([])
    await ground.parts.catalog.kysely.updateTable('tenants').set({ paused_at: null }).where('id', '=', feeds.tenant.id).execute()
    await ground.jobs(feeds)
    expect(ground.again).toBe(1)
    expect((await ground.links(feeds)).filter(link => link.state === 'stored')).toHaveLength(100)
  })

  it('goes on after it was killed between the bytes and their row, or its disk was full', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/a.png', png(20)).set('/b.png', png(21))
    await feeds.store([ground.post('a', ['/a.png', '/b.png'])], 1)
    const { target } = ground.parts.disks
    const killed = new Error('killed')
    const dying = {
      name: target.name,
      put: async (...args: Parameters<typeof target.put>) => {
        await target.put(...args)
        throw killed
      },
    } as unknown as typeof target
    await expect(ground.job(feeds, calm, { ...ground.parts, disks: { ...ground.parts.disks, target: dying } })).rejects.toBe(
      killed,
    )
    expect([(await ground.files(feeds)).length, (await onDisk(ground, feeds)).length > 0]).toEqual([0, true])
    const full = new Failure('DISK_FULL', 'full')
    const fullDisk = { name: 'local', put: () => Promise.reject(full) } as unknown as typeof target
    await expect(ground.job(feeds, calm, { ...ground.parts, disks: { ...ground.parts.disks, target: fullDisk } })).rejects.toBe(
      full,
    )
    expect(await ground.begin(feeds.tenant)).toBe(true)
    await ground.jobs(feeds)
    expect(await ground.outcomes(feeds)).toEqual(['/a.png stored', '/b.png stored'])
    expect((await ground.links(feeds)).map(link => link.attempts)).toEqual([1, 1])
    expect(await onDisk(ground, feeds)).toEqual([20, 21].map(shade => contentName(sha256(png(shade)), 'png')).sort())
  })

  it('ends with the last post that names it; what no post ever named stays', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/shared.png', png(30)).set('/own.png', png(31))
    await feeds.store([ground.post('a', ['/shared.png', '/own.png']), ground.post('b', ['/shared.png'])], 1)
    await ground.jobs(feeds)
    const name = parseMediaName('logo.png')
    const found = {
      id: 99,
      name,
      name_hash: hashName(name),
      state: 'seen' as const,
      state_at: 1,
      bytes: 9,
      attempts: 0,
      created_at: 1,
    }
    await feeds.on(tables => tables.transaction(tx => tx.insert('media', [found])))
    const posts = await feeds.ids('a')
    await feeds.on(tables => deletePosts(tables, posts, 5))
    expect(await prune(ground, feeds, true)).toEqual({ files: 1, bytes: png(31).byteLength })
    await withLock(ground.parts.catalog, tenantMediaLock(feeds.tenant.id), async () => {
      expect(await prune(ground, feeds)).toEqual({ files: 0, bytes: 0 })
    })
    expect(await prune(ground, feeds)).toEqual({ files: 1, bytes: png(31).byteLength })
    expect(await onDisk(ground, feeds)).toEqual([contentName(sha256(png(30)), 'png')])
    expect((await ground.files(feeds)).map(({ name }) => name).sort()).toEqual(
      [contentName(sha256(png(30)), 'png'), 'logo.png'].sort(),
    )
    await removeFeed(ground.parts.catalog, feeds.tenant, '1')
    expect([await ground.links(feeds), (await prune(ground, feeds)).files]).toEqual([[], 1])
    expect(await onDisk(ground, feeds)).toEqual([])
  })

  it('has the file of a post back that is named again before it was pruned', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/x.png', png(40)).set('/y.png', png(40))
    await feeds.store([ground.post('a', ['/x.png'])], 1)
    await ground.jobs(feeds)
    await feeds.on(tables => deletePosts(tables, [1], 5))
    await feeds.store([ground.post('b', ['/y.png'])], 6)
    await ground.jobs(feeds)
    expect(await prune(ground, feeds)).toEqual({ files: 0, bytes: 0 })
    expect(await onDisk(ground, feeds)).toHaveLength(1)
  })

  it('stores the bytes again where a prune was killed between them and their row', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/k.png', png(41)).set('/l.png', png(41))
    await feeds.store([ground.post('a', ['/k.png'])], 1)
    await ground.jobs(feeds)
    await feeds.on(tables => deletePosts(tables, [1], 5))
    const { disks } = ground.parts
    const killed = new Error('killed')
    const remove: typeof disks.local.remove = async (...args) => {
      await disks.local.remove(...args)
      throw killed
    }
    const dying = { ...disks, local: { name: 'local', folder: disks.local.folder, remove } as unknown as typeof disks.local }
    const { catalog, log } = ground.parts
    const run = pruneUnlinked({ catalog, log, disks: async () => dying }, feeds.tenant, { dryRun: false, signal: calm })
    await expect(run).rejects.toBe(killed)
    expect([(await ground.files(feeds)).length, await onDisk(ground, feeds)]).toEqual([1, []])
    await feeds.store([ground.post('b', ['/l.png'])], 6)
    await ground.jobs(feeds)
    expect(await onDisk(ground, feeds)).toEqual([contentName(sha256(png(41)), 'png')])
    const [file, ...others] = await ground.files(feeds)
    expect([others, file?.state, file?.unlinked_at]).toEqual([[], 'hashed', null])
    const path = join(disks.local.folder, String(feeds.tenant.id), file?.name ?? '')
    expect(file?.identity).toBe(identityOf(await lstat(path, { bigint: true })))
  })
})
