import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { buryTenantJob } from '../../../src/feeds/sync-job.js'
import { Failure } from '../../../src/kernel/errors.js'
import { liftFence } from '../../../src/tenants/fence.js'
import { fence } from '../../tenants/fences.js'
import { describeDatabases } from '../../tenants/installation.js'
import { SyncGround, twoPosts } from './sync-ground.js'

const MINUTE_MS = 60_000

/** Does the deed while the database refuses to change any tenant. */
async function withoutStandings({ catalog }: SyncGround, deed: () => Promise<void>): Promise<void> {
  const trigger = sql.raw(catalog.database.qualify('tenants').replace(/tenants(?=\W*$)/, 'no_standing'))
  const table = sql.raw(catalog.database.qualify('tenants'))
  const refusal =
    catalog.server.dialect === 'mysql'
      ? sql`for each row signal sqlstate '45000' set message_text = 'no standing'`
      : sql`begin select raise(abort, 'no standing'); end`
  await sql`create trigger ${trigger} before update on ${table} ${refusal}`.execute(catalog.kysely)
  try {
    await deed()
  } finally {
    await sql`drop trigger ${trigger}`.execute(catalog.kysely)
  }
}

describeDatabases('what a sync leaves with its tenant', env => {
  const dueOf = async (ground: SyncGround): Promise<number> => {
    const row = await ground.catalog.kysely
      .selectFrom('sources')
      .select(eb => eb.fn.min<number>('next_check_at').as('at'))
      .where('url', 'like', `${ground.publisher.origin}/%`)
      .where('retired_at', 'is', null)
      .executeTakeFirstOrThrow()
    return Number(row.at)
  }

  it('is when the first of its sources is due, and how it went', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(3)
    ground.answers = (path, response) => (path.endsWith('/1') ? response.writeHead(404).end() : twoPosts(path, response))
    await ground.run([tenant])
    const before = Date.now()
    await ground.job(tenant)
    const row = await ground.standing(tenant)
    expect(row).toMatchObject({ next_sync_at: await dueOf(ground), sync_failures: 0, sync_feeds_failed: 1 })
    expect(row.synced_at).toBeGreaterThanOrEqual(before)
    expect(row.sync_ms).toBeGreaterThan(0)
  })

  it('is the earliest over all the jobs of a large one', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(9)
    ground.answers = (path, response) => (path.endsWith('/1') ? response.writeHead(500).end() : twoPosts(path, response))
    await ground.run([tenant])
    await ground.jobs(tenant, { chunk: 3 })
    const { next_sync_at, sync_feeds_failed } = await ground.standing(tenant)
    expect(next_sync_at).toBe(await dueOf(ground))
    // A failure is retried long before the half hour of the others.
    expect(next_sync_at).toBeLessThan(Date.now() + 10 * MINUTE_MS)
    expect(sync_feeds_failed).toBe(1)
  })

  it('is a far time when it has nothing that will be asked', async () => {
    const ground = await SyncGround.open(env)
    const [empty, gone] = [await ground.tenant(0), await ground.tenant(1)]
    ground.answers = (_path, response) => response.writeHead(410).end()
    await ground.run([empty, gone])
    for (const tenant of [empty, gone]) {
      await ground.job(tenant)
      expect((await ground.standing(tenant)).next_sync_at).toBeGreaterThan(Date.now() + 1_000 * MINUTE_MS)
    }
  })

  it('is not before a host that asked for quiet may be asked', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(1)
    ground.answers = (_path, response) => response.writeHead(429, { 'retry-after': '7200' }).end()
    await ground.run([tenant])
    const before = Date.now()
    await ground.job(tenant)
    expect((await ground.standing(tenant)).next_sync_at).toBeGreaterThanOrEqual(before + 7_200_000)
  })

  it('is that it is due when feeds were added while it was synced', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(1)
    ground.answers = (path, response) => {
      const added = path === '/late' ? Promise.resolve() : ground.subscribe(tenant, ['/late'])
      void added.then(() => twoPosts(path, response))
    }
    await ground.run([tenant])
    await ground.job(tenant)
    expect(await ground.standing(tenant)).toMatchObject({ next_sync_at: null, sync_failures: 0 })
    await ground.run([tenant])
    await ground.job(tenant)
    expect((await ground.standing(tenant)).next_sync_at).toBeGreaterThan(Date.now())
    await ground.subscribe(tenant, ['/later'])
    expect(await ground.standing(tenant)).toMatchObject({ next_sync_at: null })
  })

  it('is nothing when it was paused: a job that comes for it is skipped', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(12)
    const run = await ground.run([tenant])
    await ground.job(tenant, { chunk: 5 })
    await ground.catalog.kysely.updateTable('tenants').set({ paused_at: 1 }).where('id', '=', tenant.id).execute()
    await ground.job(tenant, { chunk: 5 })
    expect(await ground.report(run)).toMatchObject({ tenants: { skipped: 1 }, feeds: { total: 5 } })
    expect(await ground.standing(tenant)).toMatchObject({ next_sync_at: null, synced_at: null, sync_failures: 0 })
    expect(ground.publisher.asked).toHaveLength(5)
  })

  it('is that of one who is due, and no failure, when a move held it off before or while it was synced', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(12)
    const run = await ground.run([tenant])
    await ground.job(tenant, { chunk: 5 })
    await fence(ground.catalog, tenant, 4)
    // The last attempt, and yet nothing has failed.
    await ground.job(tenant, { chunk: 5, last: true })
    const failures = [{ tenant: tenant.slug, url: null, code: 'TENANT_MOVING' }]
    expect(await ground.report(run)).toMatchObject({ tenants: { skipped: 1, failed: 0 }, feeds: { total: 5 }, failures })
    expect(await ground.standing(tenant)).toMatchObject({ next_sync_at: null, synced_at: null, sync_failures: 0 })
    expect(ground.publisher.asked).toHaveLength(5)
    await liftFence(ground.catalog, tenant, 4)
    const next = await ground.run([tenant])
    let fenced: Promise<void> | null = null
    ground.answers = (path, response) => {
      fenced ??= fence(ground.catalog, tenant, 5)
      void fenced.then(() => twoPosts(path, response))
    }
    await ground.job(tenant, { last: true })
    expect(await ground.report(next)).toMatchObject({ tenants: { skipped: 1, failed: 0 }, failures })
    expect((await ground.posts(tenant)).length).toBe(10)
    await liftFence(ground.catalog, tenant, 5)
    expect(await ground.standing(tenant)).toMatchObject({ next_sync_at: null, sync_failures: 0, move_id: null })
    const last = await ground.run([tenant], { forced: true })
    await ground.job(tenant)
    expect(await ground.report(last)).toMatchObject({ tenants: { ok: 1 } })
    expect((await ground.posts(tenant)).length).toBe(24)
  })

  it('is written with the outcome of its runs or not at all, however that is told', async () => {
    const ground = await SyncGround.open(env)
    const [ended, buried] = [await ground.tenant(1), await ground.tenant(1)]
    const run = await ground.run([ended, buried])
    const refused = () => buryTenantJob(ground.catalog, buried.id, new Failure('JOB_QUARANTINED', 'it kills'))
    await withoutStandings(ground, async () => {
      await expect(ground.job(ended)).rejects.toThrow('no standing')
      await expect(refused()).rejects.toThrow('no standing')
      for (const tenant of [ended, buried]) {
        expect((await ground.part(run, tenant)).finished_at).toBeNull()
        expect(await ground.standing(tenant)).toMatchObject({ next_sync_at: null, sync_failures: 0 })
      }
    })
    const before = Date.now()
    await ground.job(ended)
    await refused()
    expect(await ground.part(run, ended)).toMatchObject({ state: 'ok' })
    expect(await ground.standing(ended)).toMatchObject({ sync_failures: 0, synced_at: expect.any(Number) })
    expect(await ground.part(run, buried)).toMatchObject({ state: 'failed' })
    const { next_sync_at, sync_failures } = await ground.standing(buried)
    expect(sync_failures).toBe(1)
    expect(next_sync_at).toBeGreaterThanOrEqual(before + 60 * MINUTE_MS)
  })

  it('counts syncs in a row that failed as a whole', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(1)
    const parts = Promise.reject(new Error('out of order'))
    parts.catch(() => {})
    for (const failures of [1, 2]) {
      await ground.run([tenant])
      await expect(ground.job(tenant, { parts, last: true })).rejects.toThrow('out of order')
      expect(await ground.standing(tenant)).toMatchObject({ sync_failures: failures })
    }
    await ground.run([tenant])
    await ground.job(tenant)
    expect(await ground.standing(tenant)).toMatchObject({ sync_failures: 0 })
  })
})
