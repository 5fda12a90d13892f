import { expect, it } from 'vitest'
import { startRun } from '../../../src/feeds/runs.js'
import { syncTenantJob } from '../../../src/feeds/sync-job.js'
import { takePart } from '../../../src/feeds/tenant-part.js'
import { Failure } from '../../../src/kernel/errors.js'
import { describeDatabases } from '../../tenants/installation.js'
import { SyncGround, twoPosts } from './sync-ground.js'

describeDatabases('a tenant with more feeds than a job does', env => {
  it('is done by several jobs, and reported as if by one', async () => {
    const ground = await SyncGround.open(env)
    const [giant, twin] = [await ground.tenant(25), await ground.tenant(25)]
    ground.answers = (path, response) => (path.endsWith('/7') ? response.writeHead(404).end() : twoPosts(path, response))
    const [inPieces, atOnce] = [await ground.run([giant]), await ground.run([twin])]
    expect(await ground.jobs(giant, { chunk: 10 })).toBe(3)
    expect(await ground.jobs(twin, { chunk: 25 })).toBe(1)
    const { runId: _run, failures, ...report } = await ground.report(inPieces)
    expect(report).toMatchObject({
      tenants: { total: 1, ok: 1 },
      feeds: { total: 25, newVersion: 24, failed: 1 },
      sources: { distinct: 25, requests: 25 },
      posts: { new: 48 },
    })
    const { runId: _other, failures: _theirs, ...same } = await ground.report(atOnce)
    const bytes = expect.any(Number)
    expect(report).toEqual({ ...same, sources: { ...same.sources, bytes } })
    expect(failures).toMatchObject([{ tenant: giant.slug, code: 'FEED_HTTP_STATUS' }])
  })

  it('is queued between its jobs, with the feeds that are done', async () => {
    const ground = await SyncGround.open(env)
    const giant = await ground.tenant(12)
    const run = await ground.run([giant])
    await ground.job(giant, { chunk: 5 })
    const part = await ground.part(run, giant)
    expect(part).toMatchObject({ state: 'queued', job_token: null, after_feed: 5 })
    expect(JSON.parse(part.report ?? '')).toMatchObject({ feeds: { total: 5 }, posts: { new: 10 } })
    expect(ground.again).toBe(1)
    expect(await ground.standing(giant)).toMatchObject({ synced_at: null, next_sync_at: null })
  })

  it('goes on from there when its worker is killed, and counts nothing twice', async () => {
    const ground = await SyncGround.open(env)
    const giant = await ground.tenant(12)
    const run = await ground.run([giant])
    await ground.job(giant, { chunk: 5 })
    // A worker that takes it and is never heard of again.
    expect(await takePart(ground.catalog, giant.id, 'a dead job')).toMatchObject({ after: 5 })
    expect(await ground.jobs(giant, { chunk: 5 })).toBe(2)
    expect(await ground.report(run)).toMatchObject({
      tenants: { ok: 1 },
      feeds: { total: 12, newVersion: 12 },
      sources: { distinct: 12, requests: 12 },
      posts: { new: 24 },
    })
  })

  it('is given back by an interrupted job as that has taken it', async () => {
    const ground = await SyncGround.open(env)
    const giant = await ground.tenant(12)
    const run = await ground.run([giant])
    await ground.job(giant, { chunk: 5 })
    const stop = new AbortController()
    ground.answers = (path, response) => {
      if (path.endsWith('/6')) stop.abort(new Failure('INTERRUPTED', 'enough'))
      else twoPosts(path, response)
    }
    await expect(ground.job(giant, { chunk: 5, signal: stop.signal, last: true })).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(await ground.part(run, giant)).toMatchObject({ state: 'queued', job_token: null, after_feed: 5 })
    ground.answers = twoPosts
    await ground.jobs(giant, { chunk: 5 })
    expect(await ground.report(run)).toMatchObject({ tenants: { ok: 1 }, feeds: { total: 12 }, sources: { distinct: 12 } })
    expect(await ground.posts(giant)).toHaveLength(24)
  })

  it('leaves a run that begins meanwhile until the one under way has ended, and then does that too', async () => {
    const ground = await SyncGround.open(env)
    const giant = await ground.tenant(12)
    const first = await ground.run([giant])
    await ground.job(giant, { chunk: 5 })
    const second = await ground.run([giant])
    await ground.job(giant, { chunk: 5 })
    expect(await ground.part(second, giant)).toMatchObject({ state: 'queued', after_feed: null })
    await ground.job(giant, { chunk: 5 })
    expect(await ground.part(first, giant)).toMatchObject({ state: 'ok' })
    // The last job of the first run asks for one for the second.
    expect(ground.again).toBe(3)
    expect(await ground.jobs(giant, { chunk: 5 })).toBe(3)
    for (const run of [first, second])
      expect(await ground.report(run)).toMatchObject({ tenants: { ok: 1 }, feeds: { total: 12 } })
    // What was checked for the first run after the second had begun is not asked again.
    expect(new Set(ground.publisher.asked).size).toBe(ground.publisher.asked.length)
  })

  it('serves runs that wait at the same feed together', async () => {
    const ground = await SyncGround.open(env)
    const giant = await ground.tenant(12)
    const runs = [await ground.run([giant]), await ground.run([giant])]
    expect(await ground.jobs(giant, { chunk: 5 })).toBe(3)
    const reports = await Promise.all(runs.map(run => ground.report(run)))
    for (const report of reports) expect(report).toMatchObject({ tenants: { ok: 1 }, feeds: { total: 12 }, posts: { new: 24 } })
  })

  it('does feeds that are added between its jobs too', async () => {
    const ground = await SyncGround.open(env)
    const giant = await ground.tenant(6)
    const run = await ground.run([giant])
    await ground.job(giant, { chunk: 5 })
    await ground.subscribe(giant, ['/late'])
    await ground.jobs(giant, { chunk: 5 })
    expect(await ground.report(run)).toMatchObject({ feeds: { total: 7, newVersion: 7 } })
  })

  it('does nothing when its run is over and it is not due: the job was one too many', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(3)
    await ground.run([tenant])
    await ground.job(tenant)
    const runs = async () => (await ground.catalog.kysely.selectFrom('runs').select('id').execute()).length
    const before = await runs()
    await ground.job(tenant)
    expect(await runs()).toBe(before)
    await ground.catalog.kysely.updateTable('tenants').set({ sync_failures: 1 }).where('id', '=', tenant.id).execute()
    await ground.job(tenant)
    expect(await runs()).toBe(before + 1)
    expect(await ground.standing(tenant)).toMatchObject({ sync_failures: 0 })
  })

  it('is failed as a whole when the next job cannot be added', async () => {
    const ground = await SyncGround.open(env)
    const giant = await ground.tenant(6)
    const run = await startRun(ground.catalog, [giant.id])
    const refused = new Failure('REDIS_FULL', 'no room')
    const parts = { catalog: ground.catalog, log: ground.log, sync: async () => ground.parts, chunk: 5, intake: null }
    const end = new AbortController()
    const again = () => {
      end.abort(new Failure('JOB_TIMEOUT', 'too long'))
      return Promise.reject(refused)
    }
    await expect(
      syncTenantJob({ ...parts, again }, giant.id, { token: 'one', last: true, signal: end.signal }),
    ).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    expect(await ground.report(run)).toMatchObject({ tenants: { failed: 1 }, feeds: { total: 5 } })
  })
})
