import type { ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { buryTenantJob } from '../../../src/feeds/sync-job.js'
import { takePart } from '../../../src/feeds/tenant-part.js'
import { Failure } from '../../../src/kernel/errors.js'
import { withTenant } from '../../../src/tenants/tables.js'
import { describeDatabases, openInstallation } from '../../tenants/installation.js'
import { openFetcher } from '../fetch/fetchers.js'
import { openParts, SyncGround, twoPosts } from './sync-ground.js'

const late = () => new Failure('JOB_TIMEOUT', 'the job took too long')

/** Takes a thread far longer than a test. */
function longDocument(response: ServerResponse): void {
  const content = '&lt;b&gt;x'.repeat(100)
  const items = Array.from({ length: 6_000 }, (_, n) => `<item><guid>${n}</guid><description>${content}</description></item>`)
  response.setHeader('content-type', 'application/rss+xml')
  response.end(`<rss version="2.0"><channel><title>long</title>${items.join('')}</channel></rss>`)
}

describeDatabases('a job whose time is over', env => {
  it('leaves a publisher who never answers, its lease and its places', async () => {
    const ground = await SyncGround.open(env, { perHost: 1, concurrency: 1, timeoutMs: 60_000 })
    const tenant = await ground.tenant(3)
    const end = new AbortController()
    ground.answers = () => end.abort(late())
    const run = await ground.run([tenant])
    await expect(ground.job(tenant, { signal: end.signal })).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    expect(await ground.part(run, tenant)).toMatchObject({ state: 'queued', job_token: null, after_feed: null })
    expect(await ground.leased()).toBe(0)
    // The only place of the only fetcher is free again.
    ground.answers = twoPosts
    await ground.job(tenant)
    expect(await ground.report(run)).toMatchObject({ tenants: { ok: 1 }, feeds: { newVersion: 3, failed: 0 } })
  })

  it('has failed with JOB_TIMEOUT when it was the last attempt', async () => {
    const ground = await SyncGround.open(env, { timeoutMs: 60_000 })
    const tenant = await ground.tenant(3)
    const end = new AbortController()
    ground.answers = () => end.abort(late())
    const run = await ground.run([tenant])
    const before = Date.now()
    await expect(ground.job(tenant, { signal: end.signal, last: true })).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    expect(await ground.report(run)).toMatchObject({
      tenants: { failed: 1 },
      failures: [{ tenant: tenant.slug, url: null, code: 'JOB_TIMEOUT', message: 'the job took too long' }],
    })
    const { sync_failures, next_sync_at, synced_at } = await ground.standing(tenant)
    expect(sync_failures).toBe(1)
    expect(next_sync_at).toBeGreaterThanOrEqual(before + 5 * 60_000)
    expect(synced_at).toBeGreaterThanOrEqual(before)
  })

  it('leaves a document that takes long to read, and the thread to others', async () => {
    const ground = await SyncGround.open(env, { maxBodyBytes: 50_000_000 })
    const [tenant, other] = [await ground.tenant(['/long']), await ground.tenant(1)]
    ground.answers = (path, response) => (path === '/long' ? longDocument(response) : twoPosts(path, response))
    const end = new AbortController()
    const { parser } = ground.parts
    const parse = parser.parse.bind(parser)
    const reading = new Promise<void>(resolve => {
      parser.parse = (task, signal) => {
        const result = parse(task, signal)
        resolve()
        return result
      }
    })
    await ground.run([tenant, other])
    const job = ground.job(tenant, { signal: end.signal })
    await reading
    end.abort(late())
    await expect(job).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    expect(await ground.leased()).toBe(0)
    expect(await ground.posts(tenant)).toEqual([])
    await ground.job(other)
    expect(await ground.posts(other)).toHaveLength(2)
  })

  it('stores nothing more, and leaves no transaction behind, while the database is slow', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(3)
    const elsewhere = await openInstallation(env)
    const end = new AbortController()
    await ground.run([tenant])
    let job: Promise<void> = Promise.resolve()
    // Another process writes for the tenant all the while.
    await withTenant(elsewhere.catalog, tenant, tables =>
      tables.transaction(async tx => {
        await tx.takeIds('posts', 0)
        job = ground.job(tenant, { signal: end.signal })
        job.catch(() => {})
        await expect.poll(() => ground.publisher.asked.length, { timeout: 10_000 }).toBe(3)
        await expect.poll(() => ground.leased(), { timeout: 10_000 }).toBe(0)
        end.abort(late())
      }),
    )
    await expect(job).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    expect(await ground.posts(tenant)).toEqual([])
    await ground.job(tenant)
    expect(await ground.posts(tenant)).toHaveLength(6)
  })

  it('does not end the jobs of other tenants that wait for the same source', async () => {
    const ground = await SyncGround.open(env, { timeoutMs: 60_000 })
    const [first, second] = [await ground.tenant(['/shared']), await ground.tenant(['/shared'])]
    const ends = [new AbortController(), new AbortController()]
    const asked = new Promise<void>(resolve => {
      ground.answers = () => resolve()
    })
    const run = await ground.run([first, second])
    const hung = ground.job(first, { signal: ends[0]?.signal as AbortSignal })
    await asked
    const waiting = ground.job(second, { signal: ends[1]?.signal as AbortSignal })
    await expect.poll(() => ground.part(run, second), { timeout: 10_000 }).toMatchObject({ state: 'running' })
    await pause(100)
    ground.answers = twoPosts
    ends[0]?.abort(late())
    await expect(hung).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    await waiting
    expect(await ground.part(run, first)).toMatchObject({ state: 'queued' })
    expect(await ground.posts(second)).toHaveLength(2)
  })

  it('does not wait for a source that another job asks and gets no answer of', async () => {
    const ground = await SyncGround.open(env, { timeoutMs: 60_000 })
    const [first, second] = [await ground.tenant(['/hung']), await ground.tenant(['/hung', '/other'])]
    const ends = { first: new AbortController(), second: new AbortController() }
    ground.answers = (path, response) => path === '/hung' || twoPosts(path, response)
    await ground.run([first, second])
    const hung = ground.job(first, { signal: ends.first.signal })
    await expect.poll(() => ground.publisher.asked, { timeout: 10_000 }).toContain('/hung')
    const follower = ground.job(second, { signal: ends.second.signal })
    await expect.poll(() => ground.posts(second), { timeout: 10_000 }).toHaveLength(2)
    ends.second.abort(late())
    await expect(follower).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    ends.first.abort(late())
    await expect(hung).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    expect(await ground.leased()).toBe(0)
  })
})

describeDatabases('a job that ends without its handler', env => {
  it('has failed for every run that waits for its tenant, with what was done before', async () => {
    const ground = await SyncGround.open(env)
    const giant = await ground.tenant(8)
    const runs = [await ground.run([giant])]
    await ground.job(giant, { chunk: 5 })
    runs.push(await ground.run([giant]))
    await takePart(ground.catalog, giant.id, 'a dead job')
    await buryTenantJob(ground.catalog, giant.id, new Failure('JOB_QUARANTINED', 'it killed five workers'))
    const reports = await Promise.all(runs.map(run => ground.report(run)))
    const failures = [{ tenant: giant.slug, url: null, code: 'JOB_QUARANTINED', message: 'it killed five workers' }]
    expect(reports[0]).toMatchObject({ tenants: { failed: 1 }, feeds: { total: 5 }, failures })
    expect(reports[1]).toMatchObject({ tenants: { failed: 1 }, feeds: { total: 0 }, failures })
    expect(await ground.standing(giant)).toMatchObject({ sync_failures: 1 })
  })

  it('changes nothing of what has ended', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(1)
    const run = await ground.run([tenant])
    await ground.job(tenant)
    await buryTenantJob(ground.catalog, tenant.id, late())
    expect(await ground.report(run)).toMatchObject({ tenants: { ok: 1, failed: 0 } })
    expect(await ground.standing(tenant)).toMatchObject({ sync_failures: 0 })
  })

  it('has a bug: the log has its stack, the report the words', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(1)
    const run = await ground.run([tenant])
    const parts = Promise.reject(new TypeError('nobody thought of this'))
    parts.catch(() => {})
    await expect(ground.job(tenant, { parts, last: true })).rejects.toThrow(TypeError)
    expect(ground.logged.join()).toMatch(/TypeError: nobody thought of this.*deadline\.test\.ts/)
    expect(await ground.report(run)).toMatchObject({ failures: [{ code: 'UNAVAILABLE' }] })
    await ground.run([tenant])
    await ground.job(tenant, { parts: Promise.resolve(openParts(ground.here)) })
    expect(await ground.standing(tenant)).toMatchObject({ sync_failures: 0 })
  })
})

describeDatabases('what a job fetches', env => {
  it('is not fetched when its time is over before it begins', async () => {
    const ground = await SyncGround.open(env)
    const tenant = await ground.tenant(2)
    await ground.run([tenant])
    await expect(ground.job(tenant, { signal: AbortSignal.abort(late()) })).rejects.toMatchObject({ code: 'JOB_TIMEOUT' })
    expect(ground.publisher.asked).toEqual([])
    const other = await openFetcher().fetch(
      ground.publisher.urlOf('/1'),
      { etag: null, lastModified: null },
      AbortSignal.timeout(5_000),
    )
    expect(other.kind).toBe('document')
  })
})
