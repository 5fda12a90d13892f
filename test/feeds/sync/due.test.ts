import { expect, it, onTestFinished, vi } from 'vitest'
import { startDueSyncs } from '../../../src/feeds/due.js'
import type { SendTenants } from '../../../src/feeds/send-tenants.js'
import { type JobSender, syncTenants } from '../../../src/feeds/sync.js'
import { takePart } from '../../../src/feeds/tenant-part.js'
import { Failure } from '../../../src/kernel/errors.js'
import type { TenantId } from '../../../src/tenants/ids.js'
import { changeState, type Tenant } from '../../../src/tenants/tenant.js'
import { describeDatabases } from '../../tenants/installation.js'
import { SyncGround } from './sync-ground.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const JOB_TIMEOUT_MS = 15 * MINUTE_MS

/** A queue in which jobs wait until it is emptied. */
class WaitingJobs {
  readonly ids = new Set<TenantId>()
  /** Tenants whose jobs were added since this was last cleared, in order. */
  readonly added: TenantId[] = []
  quarantined: TenantId[] = []

  readonly send = async (tenants: readonly TenantId[]) => {
    const quarantined = tenants.filter(id => this.quarantined.includes(id))
    const fresh = tenants.filter(id => !this.ids.has(id) && !quarantined.includes(id))
    for (const id of fresh) this.ids.add(id)
    this.added.push(...fresh)
    return { added: fresh.length, existing: tenants.length - fresh.length - quarantined.length, quarantined }
  }
}

function startDue({ catalog }: SyncGround, send: SendTenants, now = Date.now(), signal = new AbortController().signal) {
  return startDueSyncs(catalog, send, { signal, jobTimeoutMs: JOB_TIMEOUT_MS, now })
}

describeDatabases('due tenants', env => {
  const start = async () => {
    const ground = await SyncGround.open(env)
    // Tenants of the tests before are not due here.
    await ground.catalog.kysely
      .updateTable('tenants')
      .set({ next_sync_at: Date.now() + 300 * HOUR_MS })
      .execute()
    await ground.catalog.kysely.updateTable('runs').set({ started_at: 0 }).execute()
    return { ground, jobs: new WaitingJobs() }
  }
  const changed = (ground: SyncGround, tenant: Tenant, values: { next_sync_at?: number | null; paused_at?: number }) =>
    ground.catalog.kysely.updateTable('tenants').set(values).where('id', '=', tenant.id).execute()
  const runs = async (ground: SyncGround) =>
    ground.catalog.kysely.selectFrom('runs').selectAll().where('started_at', '>', 0).execute()

  it('are enqueued with one run, the longest due first, and are not due again while it has them', async () => {
    const { ground, jobs } = await start()
    const [late, new_, later, notYet] = [
      await ground.tenant(1),
      await ground.tenant(1),
      await ground.tenant(1),
      await ground.tenant(1),
    ]
    const now = Date.now()
    await changed(ground, late, { next_sync_at: now - 1 })
    await changed(ground, later, { next_sync_at: now - HOUR_MS })
    await changed(ground, notYet, { next_sync_at: now + 10 * MINUTE_MS })
    const begun = await startDue(ground, jobs.send, now)
    expect(begun).toMatchObject({ runId: expect.any(String), due: 3, resent: 0, quarantined: 0 })
    expect(jobs.added).toEqual([new_.id, later.id, late.id])
    expect(await runs(ground)).toMatchObject([{ id: begun.runId, scheduled: 1, forced: 0 }])
    expect(await startDue(ground, jobs.send, now)).toEqual({ runId: null, due: 0, resent: 0, quarantined: 0 })
  })

  it('begin no run when there are none', async () => {
    const { ground, jobs } = await start()
    expect(await startDue(ground, jobs.send)).toMatchObject({ runId: null, due: 0 })
    expect(await runs(ground)).toEqual([])
  })

  it('are all found, in more than one page', async () => {
    const { ground, jobs } = await start()
    const template = await ground.standing(await ground.tenant(0))
    const count = 2_300
    const at = (n: number) => (n < 1_100 ? null : Date.now() - HOUR_MS - (n % 7))
    for (let from = 0; from < count; from += 100) {
      const rows = Array.from({ length: 100 }, (_, n) => {
        const { id: _id, ...rest } = template
        return { ...rest, slug: `many-${from + n}`, token_hash: null, next_sync_at: at(from + n) }
      })
      await ground.catalog.kysely.insertInto('tenants').values(rows).execute()
    }
    const begun = await startDue(ground, jobs.send)
    expect(begun.due).toBe(count + 1)
    expect(jobs.ids.size).toBe(count + 1)
    await ground.catalog.kysely.deleteFrom('tenants').where('slug', 'like', 'many-%').execute()
    await ground.catalog.kysely
      .deleteFrom('run_tenants')
      .where('run_id', '=', begun.runId ?? '')
      .execute()
  })

  it('are not those that are paused or suspended, until they are resumed', async () => {
    const { ground, jobs } = await start()
    const [paused, suspended] = [await ground.tenant(1), await ground.tenant(1)]
    await changed(ground, paused, { paused_at: 1 })
    await changeState(ground.catalog, suspended.slug, ['active'], 'suspended')
    await changed(ground, suspended, { next_sync_at: Date.now() + HOUR_MS })
    expect(await startDue(ground, jobs.send)).toMatchObject({ due: 0 })
    await changeState(ground.catalog, suspended.slug, ['suspended'], 'active')
    expect(await startDue(ground, jobs.send)).toMatchObject({ due: 1 })
    expect(jobs.added).toEqual([suspended.id])
  })

  it('are sent again when the queue has lost them, with the run they have', async () => {
    const { ground, jobs } = await start()
    const tenants = [await ground.tenant(1), await ground.tenant(1)]
    const now = Date.now()
    const { runId } = await startDue(ground, jobs.send, now)
    expect(await startDue(ground, jobs.send, now + 6 * MINUTE_MS)).toMatchObject({ runId: null, resent: 0 })
    jobs.ids.clear()
    expect(await startDue(ground, jobs.send, now + MINUTE_MS)).toMatchObject({ runId: null, resent: 0 })
    expect(await startDue(ground, jobs.send, now + 6 * MINUTE_MS)).toMatchObject({ runId: null, resent: 2 })
    expect(jobs.ids).toEqual(new Set(tenants.map(tenant => tenant.id)))
    for (const tenant of tenants) await ground.job(tenant)
    await startDue(ground, jobs.send, now + 7 * MINUTE_MS)
    expect(await runs(ground)).toMatchObject([{ id: runId, finished_at: expect.any(Number) }])
  })

  it('that are under way are sent again once they cannot be any more, with the feeds that are done', async () => {
    const { ground, jobs } = await start()
    const tenant = await ground.tenant(12)
    const now = Date.now()
    const { runId } = await startDue(ground, jobs.send, now)
    await ground.job(tenant, { chunk: 5 })
    // Its worker and the queue are lost at the same time.
    expect(await takePart(ground.catalog, tenant.id, 'a dead job')).toMatchObject({ after: 5 })
    jobs.ids.clear()
    const late = now + JOB_TIMEOUT_MS + 5 * MINUTE_MS
    expect(await startDue(ground, jobs.send, late - 1)).toMatchObject({ runId: null, due: 0, resent: 0 })
    expect(await startDue(ground, jobs.send, late)).toMatchObject({ runId: null, due: 0, resent: 1 })
    await ground.jobs(tenant, { chunk: 5 })
    const part = await ground.part({ runId: runId ?? '' }, tenant)
    expect(part.state).toBe('ok')
    expect(JSON.parse(part.report ?? '')).toMatchObject({ feeds: { total: 12 }, posts: { new: 24 } })
  })

  it('are left to a later call when the job is told to stop, and none is sent twice', async () => {
    const { ground, jobs } = await start()
    const template = await ground.standing(await ground.tenant(0))
    const rows = Array.from({ length: 1_200 }, (_, n) => {
      const { id: _id, ...rest } = template
      return { ...rest, slug: `stopped-${n}`, token_hash: null, next_sync_at: null }
    })
    for (let from = 0; from < rows.length; from += 100) {
      await ground.catalog.kysely
        .insertInto('tenants')
        .values(rows.slice(from, from + 100))
        .execute()
    }
    const stop = new AbortController()
    const send: SendTenants = tenants => {
      stop.abort(new Failure('INTERRUPTED', 'enough'))
      return jobs.send(tenants)
    }
    await expect(startDue(ground, send, Date.now(), stop.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(jobs.added).toHaveLength(1_000)
    expect(await startDue(ground, jobs.send)).toMatchObject({ due: 201 })
    expect(new Set(jobs.added).size).toBe(jobs.added.length)
    await expect(startDue(ground, jobs.send, Date.now() + 6 * MINUTE_MS, stop.signal)).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
    await ground.catalog.kysely.deleteFrom('tenants').where('slug', 'like', 'stopped-%').execute()
    for (const { id } of await runs(ground))
      await ground.catalog.kysely.deleteFrom('run_tenants').where('run_id', '=', id).execute()
  })

  it('are those too whose time only a wrong clock can have named, and their sources', async () => {
    const { ground, jobs } = await start()
    const [wrong, patient] = [await ground.tenant(1), await ground.tenant(1)]
    await ground.run([wrong])
    await ground.job(wrong)
    const inAYear = Date.now() + 365 * DAY_MS
    await changed(ground, wrong, { next_sync_at: inAYear })
    await changed(ground, patient, { next_sync_at: Date.now() + 15 * DAY_MS })
    await ground.catalog.kysely
      .updateTable('sources')
      .set({ next_check_at: inAYear, checked_at: Date.now() - DAY_MS, checked_run: null })
      .where('url', 'like', `${ground.publisher.origin}/%`)
      .execute()
    expect(await startDue(ground, jobs.send)).toMatchObject({ due: 1 })
    expect(jobs.added).toEqual([wrong.id])
    await ground.job(wrong)
    expect(ground.publisher.asked.filter(path => path.startsWith(`/${wrong.slug}/`))).toHaveLength(2)
    expect((await ground.standing(wrong)).next_sync_at).toBeLessThan(Date.now() + DAY_MS)
  })

  it('go on when a call has failed half-way', async () => {
    const { ground, jobs } = await start()
    await ground.tenant(1)
    const full = () => Promise.reject(new Failure('REDIS_FULL', 'no room'))
    const now = Date.now()
    await expect(startDue(ground, full, now)).rejects.toMatchObject({ code: 'REDIS_FULL' })
    expect(await startDue(ground, jobs.send, now + 6 * MINUTE_MS)).toMatchObject({ runId: null, resent: 1 })
    expect(await runs(ground)).toHaveLength(1)
  })

  it('are due again when nobody has ended what was begun an hour ago', async () => {
    const { ground, jobs } = await start()
    const tenant = await ground.tenant(1)
    const now = Date.now()
    await startDue(ground, jobs.send, now)
    expect(await startDue(ground, jobs.send, now + HOUR_MS + 1)).toMatchObject({ due: 1 })
    await ground.job(tenant)
    const parts = await ground.catalog.kysely
      .selectFrom('run_tenants')
      .select('state')
      .where('tenant_id', '=', tenant.id)
      .execute()
    expect(parts).toEqual([{ state: 'ok' }, { state: 'ok' }])
  })

  it('that are in quarantine have failed, and are left alone', async () => {
    const { ground, jobs } = await start()
    const tenant = await ground.tenant(1)
    jobs.quarantined = [tenant.id]
    expect(await startDue(ground, jobs.send)).toMatchObject({ due: 1, quarantined: 1 })
    expect(await startDue(ground, jobs.send)).toMatchObject({ due: 0, quarantined: 0 })
    expect((await ground.standing(tenant)).next_sync_at).toBeGreaterThan(Date.now() + 50 * MINUTE_MS)
  })

  it('of a run that somebody follows end it when they are in quarantine', async () => {
    const { ground, jobs } = await start()
    const tenant = await ground.tenant(1)
    jobs.quarantined = [tenant.id]
    const sender: JobSender = { here: false, send: jobs.send, consumers: async () => 1, settled: () => new Promise(() => {}) }
    const { signal } = new AbortController()
    const options = { tenants: [tenant.id], forced: false, signal, progress: () => {} }
    const report = await syncTenants(ground.catalog, sender, options, ground.log)
    const message = `its job is in quarantine: feedctl queue failed --tenant ${tenant.slug}`
    expect(report).toMatchObject({ tenants: { failed: 1 }, failures: [{ code: 'JOB_QUARANTINED', message }] })
  })

  it('that are paused are skipped when they are named, and that is said', async () => {
    const { ground, jobs } = await start()
    const tenant = await ground.tenant(1)
    await changed(ground, tenant, { paused_at: 1 })
    const sender: JobSender = { here: false, send: jobs.send, consumers: async () => 1, settled: () => new Promise(() => {}) }
    const { signal } = new AbortController()
    const options = { tenants: [tenant.id], forced: false, signal, progress: () => {} }
    const report = await syncTenants(ground.catalog, sender, options, ground.log)
    expect(report.tenants).toEqual({ total: 1, ok: 0, failed: 0, skipped: 1 })
    expect(jobs.added).toEqual([])
    expect(ground.logged.join()).toContain(`tenant ${tenant.slug} is paused`)
  })

  it.each([
    { what: '5 s', away: false, atLeastMs: 5_000 },
    { what: 'half a minute after the queue was away', away: true, atLeastMs: 30_000 },
  ])('that nobody works on are given up after $what', async ({ away, atLeastMs }) => {
    const { ground, jobs } = await start()
    const tenant = await ground.tenant(1)
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    const begun = Date.now()
    let asked = 0
    const consumers = async () => {
      if (asked++ === 0 && away) throw new Failure('UNAVAILABLE', 'Redis is away')
      return 0
    }
    const sender: JobSender = { here: false, send: jobs.send, consumers, settled: () => new Promise(() => {}) }
    const progress = () => void vi.setSystemTime(Date.now() + 1_001)
    const options = { tenants: [tenant.id], forced: false, signal: new AbortController().signal, progress }
    await expect(syncTenants(ground.catalog, sender, options, ground.log)).rejects.toMatchObject({ code: 'NO_WORKER' })
    expect(Date.now() - begun).toBeGreaterThan(atLeastMs)
    expect(Date.now() - begun).toBeLessThan(atLeastMs + 10_000)
  })
})
