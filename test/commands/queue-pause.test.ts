import { describe, expect, test } from 'vitest'
import { parseSlug } from '../../src/tenants/ids.js'
import { pauseTenant, resumeTenant } from '../../src/tenants/pausing.js'
import { Installation } from '../e2e/installation.js'
import { consume, optionsOf } from '../queues/desk-jobs.js'
import { describeDrivers, sharedRedisEnv, type TestEnv } from '../support/drivers.js'

const onRedis = (): TestEnv => ({ ...sharedRedisEnv(), QUEUE_CONNECTION: 'redis', CACHE_DRIVER: 'redis' })

async function json(installation: Installation, ...argv: string[]) {
  const { exit, out, err } = await installation.run(['queue', ...argv, '--json'])
  expect([exit, err]).toEqual([0, ''])
  return JSON.parse(out)
}

async function paused(installation: Installation): Promise<string[]> {
  const { queues } = await json(installation, 'status')
  return queues.filter((queue: { paused: boolean }) => queue.paused).map((queue: { name: string }) => queue.name)
}

describe('queue pause and resume', () => {
  test('stop and free the queues that are named, or all, as often as they are told', async () => {
    await using installation = await Installation.create(onRedis())
    expect(await json(installation, 'pause', '--queue', 'sync,media')).toEqual({
      queues: [
        { name: 'sync', paused: true },
        { name: 'media', paused: true },
      ],
    })
    expect(await paused(installation)).toEqual(['sync', 'media'])
    await json(installation, 'pause')
    await json(installation, 'pause')
    expect(await paused(installation)).toEqual(['sync', 'media', 'analytics', 'maintenance'])
    await json(installation, 'resume', '--queue', 'sync')
    expect(await paused(installation)).toEqual(['media', 'analytics', 'maintenance'])
    await json(installation, 'resume')
    expect(await paused(installation)).toEqual([])
    expect((await installation.run(['queue', 'pause', '--queue', 'sync'])).out).toBe('sync: paused; the jobs under way go on\n')
    const wrong = await installation.run(['queue', 'pause', '--queue', 'snyc'])
    expect(wrong).toMatchObject({ exit: 2, err: expect.stringContaining('sync') })
  })

  test('of a tenant enqueue its sync when it is resumed', async () => {
    await using installation = await Installation.create(onRedis())
    for (const slug of ['acme', 'globex']) await installation.createTenant(slug, [])
    const { tenant } = await json(installation, 'pause', '--tenant', 'acme')
    expect(tenant).toMatchObject({ slug: 'acme', state: 'active' })
    const again = await json(installation, 'pause', '--tenant', 'acme')
    expect(again.tenant.paused_at).toBe(tenant.paused_at)
    expect(await paused(installation)).toEqual([])
    const resumed = await json(installation, 'resume', '--tenant', 'acme')
    expect(resumed).toMatchObject({ tenant: { slug: 'acme', paused_at: null }, run_id: expect.any(String) })
    await json(installation, 'resume', '--tenant', 'acme')
    expect((await installation.run(['queue', 'resume', '--tenant', 'globex'])).out).toContain('its sync is enqueued')
    expect(await consume(optionsOf(installation.env), 'sync', 2)).toEqual(['tenant:1', 'tenant:2'])
    for (const verb of ['pause', 'resume']) {
      const both = await installation.run(['queue', verb, '--tenant', 'acme', '--queue', 'sync'])
      expect(both).toMatchObject({ exit: 2, err: expect.stringContaining(`feedctl queue ${verb} --tenant acme`) })
    }
  })
})

describeDrivers('a tenant that is paused', env => {
  test('says since when, is due once it is resumed, and its neighbour stays as it is', async () => {
    await using installation = await Installation.create(env)
    for (const slug of ['acme', 'acme-2']) await installation.createTenant(slug, [])
    await using app = await installation.open()
    const [slug, neighbour] = [parseSlug('acme'), parseSlug('acme-2')]
    await app.catalog.kysely.updateTable('tenants').set({ next_sync_at: 4_000_000_000_000 }).execute()
    const rows = () =>
      app.catalog.kysely.selectFrom('tenants').select(['slug', 'paused_at', 'next_sync_at']).orderBy('slug').execute()
    const first = await pauseTenant(app.catalog, slug)
    expect(Math.abs(Date.now() - (first.pausedAt ?? 0))).toBeLessThan(60_000)
    expect((await pauseTenant(app.catalog, slug)).pausedAt).toBe(first.pausedAt)
    expect(await rows()).toEqual([
      { slug: 'acme', paused_at: first.pausedAt, next_sync_at: 4_000_000_000_000 },
      { slug: 'acme-2', paused_at: null, next_sync_at: 4_000_000_000_000 },
    ])
    expect((await resumeTenant(app.catalog, neighbour)).pausedAt).toBeNull()
    expect((await resumeTenant(app.catalog, slug)).pausedAt).toBeNull()
    expect((await resumeTenant(app.catalog, slug)).pausedAt).toBeNull()
    expect(await rows()).toEqual([
      { slug: 'acme', paused_at: null, next_sync_at: null },
      { slug: 'acme-2', paused_at: null, next_sync_at: 4_000_000_000_000 },
    ])
    for (const deed of [pauseTenant, resumeTenant]) {
      await expect(deed(app.catalog, parseSlug('nobody'))).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    }
  })
})
