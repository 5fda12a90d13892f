import { expect, it } from 'vitest'
import { DAY_MS } from '../../src/analytics/aggregate.js'
import { batchAnalytics, countLeftBehind, type JobParts, jobHandler } from '../../src/jobs.js'
import { Failure } from '../../src/kernel/errors.js'
import type { JobRequest } from '../../src/queues/index.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import { describeDatabases } from '../tenants/installation.js'
import { batchOf } from './batches.js'
import { MemoryLog } from './memory-log.js'
import { DAY, shownCounts } from './shown-counts.js'

const NEVER = new AbortController().signal

describeDatabases('BatchAnalytics', settings => {
  it('counts what waits, asks for another when it could not, and the daily pruning removes what is too old', async () => {
    await using installation = await Installation.create(settings)
    await installation.createTenant('jobs', [], ['--placement', 'shared'])
    await using app = await installation.open()
    const tenant = await getTenant(app.catalog, parseSlug('jobs'))
    const log = await app.events()
    const queue = await app.queue(NEVER)
    const run = async () => {
      await queue.add([batchAnalytics(0)])
      return queue.settled('analytics')
    }
    await log.append(batchOf(tenant.id, 'a', [{ at: DAY * DAY_MS, visitor: 'ann' }]))
    expect(await run()).toEqual({ failed: 0 })
    expect((await shownCounts(app.catalog, tenant)).minutes).toEqual(['0 0 view 1'])

    const { database } = tenant.placement
    const place = (from: string, to: string) =>
      app.catalog.kysely.updateTable('placements').set({ database_name: to }).where('database_name', '=', from).execute()
    await place(database, 'nothing_here')
    await log.append(batchOf(tenant.id, 'b', [{ at: DAY * DAY_MS }]))
    const added: JobRequest[] = []
    const add: JobParts['add'] = async jobs => {
      added.push(...jobs)
      return { added: jobs.length, existing: 0, quarantined: [] }
    }
    const parts = {
      catalog: app.catalog,
      log: app.log,
      events: () => app.events(),
      eventRetention: app.config,
      jobTimeoutMs: 60_000,
      add,
    }
    const context = { token: 't', attempt: 1, last: false, signal: NEVER }
    await jobHandler(parts as Partial<JobParts> as JobParts)('BatchAnalytics', {}, context)
    expect(added).toEqual([batchAnalytics(30_000)])
    await place('nothing_here', database)
    await run()
    expect((await shownCounts(app.catalog, tenant)).minutes).toEqual(['0 0 view 2'])

    await queue.add([
      { queue: 'maintenance', name: 'PruneTenantPosts', payload: { tenantId: tenant.id }, dedupeId: `prune:${tenant.id}` },
    ])
    expect(await queue.settled('maintenance')).toEqual({ failed: 0 })
    expect(await shownCounts(app.catalog, tenant)).toMatchObject({ minutes: [], days: ['0 0 view 2'], batches: ['a 1', 'b 1'] })
  })

  it('asks for another while somebody has events who may have been killed', async () => {
    await using installation = await Installation.create(settings)
    await installation.createTenant('taken', [], ['--placement', 'shared'])
    await using app = await installation.open()
    const tenant = await getTenant(app.catalog, parseSlug('taken'))
    const log = new MemoryLog()
    const added: JobRequest[] = []
    const parts = {
      catalog: app.catalog,
      log: app.log,
      events: async () => log,
      eventRetention: app.config,
      jobTimeoutMs: 60_000,
      add: async (jobs: readonly JobRequest[]) => {
        added.push(...jobs)
        return { added: jobs.length, existing: 0, quarantined: [] }
      },
    }
    const context = { token: 't', attempt: 2, last: false, signal: NEVER }
    const count = () => jobHandler(parts as Partial<JobParts> as JobParts)('BatchAnalytics', {}, context)
    await log.append(batchOf(tenant.id, 'a', [{ at: DAY * DAY_MS }]))
    const taken = await log.take(1)
    await count()
    expect(added).toEqual([countLeftBehind()])
    await taken?.giveBack()
    await count()
    expect(added).toHaveLength(1)
    expect((await shownCounts(app.catalog, tenant)).minutes).toEqual(['0 0 view 1'])
  })

  it('asks for another when its last attempt fails in a way that may end', async () => {
    await using installation = await Installation.create(settings)
    await using app = await installation.open()
    const end = async (last: boolean, failure: Error) => {
      const added: JobRequest[] = []
      const parts = {
        log: app.log,
        events: () => Promise.reject(failure),
        eventRetention: app.config,
        jobTimeoutMs: 60_000,
        add: async (jobs: readonly JobRequest[]) => {
          added.push(...jobs)
          return { added: jobs.length, existing: 0, quarantined: [] }
        },
      }
      const job = jobHandler(parts as Partial<JobParts> as JobParts)
      await expect(job('BatchAnalytics', {}, { token: 't', attempt: 5, last, signal: NEVER })).rejects.toBe(failure)
      return added
    }
    const away = new Failure('UNAVAILABLE', 'the catalog is away')
    expect(await end(false, away)).toEqual([])
    expect(await end(true, away)).toEqual([batchAnalytics(30_000)])
    expect(await end(true, new TypeError('a bug'))).toEqual([batchAnalytics(30_000)])
    expect(await end(true, new Failure('SCHEMA_NEWER', 'a later feedctl has been here'))).toEqual([])
  })
})
