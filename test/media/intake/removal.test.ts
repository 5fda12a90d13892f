import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { deletePosts } from '../../../src/feeds/tombstones.js'
import { type JobParts, jobHandler } from '../../../src/jobs.js'
import { Failure } from '../../../src/kernel/errors.js'
import { Log } from '../../../src/kernel/log.js'
import type { Bucket, Disks } from '../../../src/media/disks/driver.js'
import { pruneOrphans } from '../../../src/media/prune-orphans.js'
import { pruneUnlinked } from '../../../src/media/prune-unlinked.js'
import { removeTenantMedia } from '../../../src/media/remove-tenant.js'
import type { JobContext } from '../../../src/queues/index.js'
import { markDeleted, type RemoveMedia, removeTenant } from '../../../src/tenants/removal.js'
import type { TenantFeeds } from '../../feeds/sync/tenant-feeds.js'
import { describeDatabases, removing } from '../../tenants/installation.js'
import { IntakeGround } from './intake-ground.js'
import { png } from './pictures.js'

const HOUR_MS = 3_600_000
const calm = new AbortController().signal

describeDatabases('the end of stored media', env => {
  const folderOf = ({ parts }: IntakeGround, { tenant }: TenantFeeds) => join(parts.disks.local.folder, String(tenant.id))
  const remove = async (ground: IntakeGround, { tenant }: TenantFeeds, more: { disks?: Disks; forgetBucket?: boolean } = {}) => {
    const { catalog, disks } = ground.parts
    const parts = { catalog, disks: async () => more.disks ?? disks, forgetBucket: more.forgetBucket === true }
    return (
      await removeTenant(
        catalog,
        tenant.slug,
        removing(gone => removeTenantMedia(parts, gone, calm)),
      )
    ).media
  }

  it.each([
    'shared',
    'dedicated',
  ] as const)('comes with its tenant, also of what was being stored when the removal began (%s)', async placement => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant(placement)
    ground.served.set('/a.png', png(50))
    await feeds.store([ground.post('a', ['/a.png'])], 1)
    const { disks, catalog } = ground.parts
    const [begun, removed] = [new AbortController(), new AbortController()]
    const put: typeof disks.target.put = async (key, source, facts, signal) => {
      begun.abort()
      await Promise.race([once(removed.signal, 'abort'), once(signal, 'abort')])
      return disks.target.put(key, source, facts, calm)
    }
    const slow = { name: 'local', put, remove: disks.local.remove.bind(disks.local) } as unknown as typeof disks.target
    const job = ground.job(feeds, calm, { ...ground.parts, disks: { ...disks, target: slow } })
    await once(begun.signal, 'abort')
    await markDeleted(catalog, feeds.tenant.slug, Date.now())
    const media: RemoveMedia = async gone => {
      const report = await removeTenantMedia({ catalog, disks: async () => disks }, gone, calm)
      removed.abort()
      await job
      return report
    }
    await removeTenant(catalog, feeds.tenant.slug, removing(media))
    expect(existsSync(folderOf(ground, feeds))).toBe(false)
  })

  it('needs no bucket for a tenant that never had media', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    await markDeleted(ground.parts.catalog, feeds.tenant.slug, Date.now())
    const away = new Proxy({} as Bucket, { get: (_, name) => expect.fail(`asked for ${String(name)}`) })
    expect(await remove(ground, feeds, { disks: { ...ground.parts.disks, wasabi: away } })).toMatchObject({ files: 0 })
  })

  it('comes without the bucket that is not set any more, when it is told so', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/b.png', png(51)).set('/c.png', png(52))
    await feeds.store([ground.post('b', ['/b.png', '/c.png'])], 1)
    await ground.jobs(feeds)
    await feeds.on(tables => tables.transaction(tx => tx.updateMedia().set({ etag: 'abc' }).where('id', '=', 1).execute()))
    await feeds.on(tables => deletePosts(tables, [1], 5))
    const lines: string[] = []
    const { catalog, disks } = ground.parts
    const parts = { catalog, log: new Log(line => lines.push(line)), disks: async () => disks }
    expect(await pruneUnlinked(parts, feeds.tenant, { dryRun: false, signal: calm })).toMatchObject({ files: 1 })
    expect(lines).toEqual([expect.stringMatching(/stay: they are in a bucket, and none is set .*files=1/)])
    await markDeleted(catalog, feeds.tenant.slug, Date.now())
    await expect(remove(ground, feeds)).rejects.toMatchObject({
      code: 'BUCKET_NOT_FOUND',
      hint: expect.stringContaining(`feedctl tenant delete ${feeds.tenant.slug} --now --forget-bucket --yes`),
    })
    expect(await remove(ground, feeds, { forgetBucket: true })).toMatchObject({
      files: 1,
      localFiles: 1,
      bucketObjects: 0,
      bucketForgotten: 1,
    })
  })

  it('removes from the bucket, after a day, what sync put there and has no row', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/d.png', png(53)).set('/e.png', png(54))
    await feeds.store([ground.post('d', ['/d.png', '/e.png'])], 1)
    await ground.jobs(feeds)
    const { catalog, log, disks } = ground.parts
    // What it is asked for, any disk can do.
    const bucket = disks.local as unknown as Bucket
    const [{ name, sha256 } = { name: '', sha256: '' }] = await ground.files(feeds)
    await feeds.on(tables => tables.transaction(tx => tx.remove('media').where('name', '=', name).execute()))
    writeFileSync(join(folderOf(ground, feeds), 'logo.png'), 'put by somebody')
    const prune = (now: number) => pruneOrphans({ catalog, log, bucket }, feeds.tenant, { now, signal: calm })
    expect(await prune(Date.now() + HOUR_MS)).toBe(0)
    expect(await prune(Date.now() + 25 * HOUR_MS)).toBe(1)
    const left = readdirSync(folderOf(ground, feeds), { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.png'))
    expect([left.length, left.includes('logo.png'), left.some(path => path.includes(String(sha256)))]).toEqual([2, true, false])
  })

  it('begins the tries of failed media again though the disks are away', async () => {
    const ground = await IntakeGround.open(env)
    const feeds = await ground.tenant()
    ground.served.set('/f.png', png(55))
    await feeds.store([ground.post('f', ['/f.png'])], 1)
    await ground.jobs(feeds)
    await feeds.on(tables => deletePosts(tables, [1], 5))
    await feeds.store([ground.post('g', ['/none.png'])], 6)
    await ground.jobs(feeds)
    await ground.makeDue(feeds)
    const away = new Failure('UNAVAILABLE', 'the bucket is away')
    const added: string[] = []
    const { catalog, log, settings } = ground.parts
    const parts = {
      catalog,
      log,
      retention: ground.here.config,
      mediaPolicy: settings,
      eventRetention: ground.here.config,
      disks: () => Promise.reject(away),
      add: async (jobs: readonly { name: string }[]) => void added.push(...jobs.map(job => job.name)),
    } as unknown as JobParts
    const context = { token: 'one', last: true, signal: calm }
    const prune = () => jobHandler(parts)('PruneTenantPosts', { tenantId: feeds.tenant.id }, context as unknown as JobContext)
    await expect(prune()).rejects.toBe(away)
    expect(added).toEqual(['StoreTenantMedia'])
    await markDeleted(catalog, feeds.tenant.slug, Date.now() + HOUR_MS)
    await expect(prune()).resolves.toBeUndefined()
  })
})
