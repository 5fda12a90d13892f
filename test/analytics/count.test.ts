import { expect, it } from 'vitest'
import { ALL_POSTS, DAY_MS, MINUTE_MS } from '../../src/analytics/aggregate.js'
import { type CountReport, countEvents } from '../../src/analytics/count-events.js'
import type { EventBatch } from '../../src/analytics/event-batch.js'
import { pruneTenantEvents } from '../../src/analytics/prune.js'
import { Failure } from '../../src/kernel/errors.js'
import { Log } from '../../src/kernel/log.js'
import { liftFence } from '../../src/tenants/fence.js'
import { parseTenantId } from '../../src/tenants/ids.js'
import { markDeleted, removeTenant } from '../../src/tenants/removal.js'
import { withTenant } from '../../src/tenants/tables.js'
import { changeState, type Tenant } from '../../src/tenants/tenant.js'
import { fence } from '../tenants/fences.js'
import { describeDatabases, openInstallation, removing, tenantIn } from '../tenants/installation.js'
import { batchOf } from './batches.js'
import { MemoryLog } from './memory-log.js'
import { DAY, shownCounts } from './shown-counts.js'

const NEVER = new AbortController().signal
const at = DAY * DAY_MS
const NOTHING = { minutes: [], days: [], visitors: [], batches: [], events: [] }

describeDatabases('counting', env => {
  const begin = async () => {
    const here = await openInstallation(env)
    const lines: string[] = []
    const events = new MemoryLog()
    const parts = { catalog: here.catalog, log: new Log(line => lines.push(line)), events, rawDays: 0 }
    const wait = (...batches: EventBatch[]) => void events.waiting.push(...batches)
    return {
      ...here,
      here,
      lines,
      events,
      wait,
      parts,
      run: (signal = NEVER, rawDays = 0) => countEvents({ ...parts, rawDays }, signal),
    }
  }
  const one = (tenant: Pick<Tenant, 'id'>, id: string) => batchOf(tenant.id, id, [{ at, post: 1, visitor: id }])
  /** Its database, and no other, refuses until the answer is called. */
  const breakDatabase = (
    { catalog }: Awaited<ReturnType<typeof openInstallation>>,
    tenant: Tenant,
    error: Error = new Failure('UNAVAILABLE', 'it is broken'),
  ) => {
    const use = catalog.server.use.bind(catalog.server)
    catalog.server.use = (name, deed) => {
      if (name === tenant.placement.database) return Promise.reject(error)
      return use(name, deed)
    }
    return () => {
      catalog.server.use = use
    }
  }

  it('counts what waits of all tenants, portion by portion, and forgets it', async () => {
    const { here, catalog, events, wait, run } = await begin()
    const tenants = [await tenantIn(here, 'one'), await tenantIn(here, 'two', 'shared'), await tenantIn(here, 'three', 'shared')]
    for (let round = 0; round < 4; round++) wait(...tenants.map(tenant => one(tenant, `b${round}`)))
    events.mostBatches = 5
    expect(await run()).toEqual({ batches: 12, repeated: 0, orphaned: 0, events: 12, returned: 0, failures: [] })
    expect([events.waiting, events.taken]).toEqual([[], 0])
    for (const tenant of tenants) {
      expect(await shownCounts(catalog, tenant)).toMatchObject({
        days: ['0 1 view 4'],
        visitors: [`0 ${ALL_POSTS} view 4`, '0 1 view 4'],
      })
    }
    expect(await run()).toEqual({ batches: 0, repeated: 0, orphaned: 0, events: 0, returned: 0, failures: [] })
  })

  it('keeps what waits for a tenant that a move holds off, counts the others, and counts it once when it may', async () => {
    const { here, catalog, events, wait, run } = await begin()
    const [held, other] = [await tenantIn(here, 'held', 'shared'), await tenantIn(here, 'held-2', 'shared')]
    await fence(catalog, held, 1)
    wait(one(held, 'a'), one(other, 'a'), one(held, 'b'), one(other, 'b'))
    expect(await run()).toMatchObject({
      events: 2,
      returned: 2,
      failures: [{ slug: held.slug, failure: { code: 'TENANT_MOVING' } }],
    })
    expect(events.waiting.map(batch => batch.tenantId)).toEqual([held.id, held.id])
    expect(await shownCounts(catalog, held)).toEqual(NOTHING)
    await liftFence(catalog, held, 1)
    expect(await run()).toMatchObject({ events: 2, returned: 0, failures: [] })
    for (const tenant of [held, other]) expect(await shownCounts(catalog, tenant)).toMatchObject({ days: ['0 1 view 2'] })
  })

  it('leaves out batches that are handed out again', async () => {
    const { here, events, wait, run } = await begin()
    const tenant = await tenantIn(here, 'again')
    wait(one(tenant, 'a'), one(tenant, 'b'))
    await run()
    wait(one(tenant, 'b'), one(tenant, 'c'))
    expect(await run()).toMatchObject({ batches: 1, repeated: 1, events: 1 })
    expect(events.waiting).toEqual([])
  })

  it('drops the batches of tenants that are gone, counts those of suspended ones, and says so once', async () => {
    const { here, catalog, events, lines, wait, run } = await begin()
    const [kept, suspended, gone] = [await tenantIn(here, 'kept'), await tenantIn(here, 'paused'), await tenantIn(here, 'gone')]
    await changeState(catalog, suspended.slug, ['active'], 'suspended')
    await markDeleted(catalog, gone.slug, Date.now() - 1)
    await removeTenant(catalog, gone.slug, removing())
    wait(one(gone, 'a'), one(kept, 'a'), one(gone, 'b'), one(suspended, 'a'), one({ id: parseTenantId(999_999) }, 'a'))
    expect(await run()).toEqual({ batches: 2, repeated: 0, orphaned: 3, events: 2, returned: 0, failures: [] })
    expect(events.waiting).toEqual([])
    expect(lines.filter(line => line.includes('removed tenants'))).toEqual([
      expect.stringContaining('tenants=2 batches=3 events=3'),
    ])
  })

  it('ends, where it is asked to, with what was accepted before, though others go on adding', async () => {
    const { here, events, wait, parts } = await begin()
    const tenant = await tenantIn(here, 'steady')
    const acceptedAt = (id: string, time: number) => ({ ...one(tenant, id), acceptedAt: time })
    wait(acceptedAt('old', 1), acceptedAt('also-old', 2), acceptedAt('new', 3))
    events.mostBatches = 1
    let more = 0
    const take = events.take.bind(events)
    events.take = async most => {
      if (more < 50) wait(acceptedAt(`more-${more++}`, 4))
      return take(most)
    }
    expect(await countEvents({ ...parts, acceptedBefore: 3 }, NEVER)).toMatchObject({ batches: 3, events: 3 })
    expect(events.waiting).toHaveLength(3)
  })

  it('puts the batches of a tenant whose database fails behind the others, and counts them when it is there again', async () => {
    const { here, catalog, events, wait, run } = await begin()
    const [broken, sound] = [await tenantIn(here, 'broken'), await tenantIn(here, 'sound')]
    const mend = breakDatabase(here, broken)
    wait(one(broken, 'a'), one(broken, 'b'), one(sound, 'a'), one(broken, 'c'), one(sound, 'b'))
    events.mostBatches = 2
    const report = await run()
    expect(report).toMatchObject({ batches: 2, events: 2 })
    expect(report.failures).toMatchObject([{ slug: broken.slug, failure: { code: 'UNAVAILABLE', message: 'it is broken' } }])
    expect(report.returned).toBe(3)
    expect([events.waiting.map(batch => batch.id).toSorted(), events.taken]).toEqual([['a', 'b', 'c'], 0])
    expect(await shownCounts(catalog, sound)).toMatchObject({ days: ['0 1 view 2'] })
    mend()
    expect(await run()).toMatchObject({ batches: 3, repeated: 0, events: 3, returned: 0, failures: [] })
    expect(await shownCounts(catalog, broken)).toMatchObject({ days: ['0 1 view 3'] })
  })

  it('loses nothing when they cannot be put behind the others', async () => {
    const { here, catalog, events, wait, run } = await begin()
    const [broken, sound] = [await tenantIn(here, 'stuck'), await tenantIn(here, 'free')]
    breakDatabase(here, broken)
    events.refusal = new Failure('DISK_FULL', 'there is no room')
    wait(one(broken, 'a'), one(sound, 'a'), one(broken, 'b'), one(sound, 'b'))
    events.mostBatches = 2
    expect(await run()).toMatchObject({ batches: 2, events: 2, returned: 2 })
    // The counted ones among them are known by the ledger.
    expect([events.waiting.length, events.taken]).toEqual([4, 0])
    expect(await run()).toMatchObject({ batches: 0, repeated: 2, events: 0 })
    expect(await shownCounts(catalog, sound)).toMatchObject({ days: ['0 1 view 2'] })
  })

  it('puts no more behind the others once it is told to stop, and loses nothing', async () => {
    const { here, catalog, events, wait, run } = await begin()
    const broken = await tenantIn(here, 'halfway')
    const mend = breakDatabase(here, broken)
    wait(...Array.from({ length: 2_500 }, (_, index) => one(broken, `b${index}`)))
    const stop = new AbortController()
    const putBehind = events.putBehind.bind(events)
    events.putBehind = async batches => {
      await putBehind(batches)
      stop.abort()
    }
    expect(await run(stop.signal)).toMatchObject({ batches: 0, returned: 2_500 })
    expect([events.appended, events.waiting.length, events.taken]).toEqual([1_000, 3_500, 0])
    mend()
    expect(await run()).toMatchObject({ batches: 2_500, repeated: 1_000, events: 2_500 })
    expect(await shownCounts(catalog, broken)).toMatchObject({ days: ['0 1 view 2500'] })
  })

  it('tells what was done before it throws what is no failure', async () => {
    const { here, wait, events, parts } = await begin()
    const [broken, sound] = [await tenantIn(here, 'bug'), await tenantIn(here, 'no-bug')]
    breakDatabase(here, broken, new TypeError('a bug'))
    wait(one(broken, 'a'), one(sound, 'a'))
    const told: CountReport[] = []
    await expect(countEvents(parts, NEVER, report => told.push(report))).rejects.toThrow('a bug')
    expect(told).toMatchObject([{ events: 1, returned: 1 }])
    expect(events.waiting.map(batch => batch.tenantId)).toEqual([broken.id])
  })

  it('gives everything back when the catalog is away', async () => {
    const { here, catalog, events, wait, run } = await begin()
    const tenant = await tenantIn(here, 'away')
    wait(one(tenant, 'a'))
    await catalog.server.close()
    await expect(run()).rejects.toThrow()
    expect([events.waiting.length, events.taken]).toEqual([1, 0])
  })

  it('stops when the signal aborts, and what is not counted waits', async () => {
    const { here, events, wait, run } = await begin()
    const tenant = await tenantIn(here, 'stopped')
    wait(one(tenant, 'a'), one(tenant, 'b'))
    expect(await run(AbortSignal.abort())).toMatchObject({ batches: 0, events: 0 })
    const stop = new AbortController()
    events.mostBatches = 1
    const take = events.take.bind(events)
    events.take = async most => {
      const taken = await take(most)
      if (taken?.batches[0]?.id === 'b') stop.abort()
      return taken
    }
    expect(await run(stop.signal)).toMatchObject({ batches: 1, events: 1, returned: 1 })
    expect([events.waiting.map(batch => batch.id), events.taken]).toEqual([['b'], 0])
  })

  it('leaves no row of a tenant whose removal ended while its batches were counted', async () => {
    const { here, catalog, events, wait, run } = await begin()
    const [tenant, neighbour] = [await tenantIn(here, 'leaving', 'shared'), await tenantIn(here, 'leaving-2', 'shared')]
    wait(one(tenant, 'a'), one(neighbour, 'a'))
    const use = catalog.server.use.bind(catalog.server)
    let removed = false
    // The removal is over between the look at the tenant and the transaction.
    catalog.server.use = async (name, deed) => {
      if (!removed) {
        removed = true
        await markDeleted(catalog, tenant.slug, Date.now() - 1)
        await removeTenant(catalog, tenant.slug, removing())
      }
      return use(name, deed)
    }
    await run(NEVER, 1)
    catalog.server.use = use
    expect(events.waiting).toEqual([])
    expect(await shownCounts(catalog, tenant)).toEqual(NOTHING)
    const counters = await withTenant(catalog, tenant, tables => tables.counters().select('name').execute())
    expect(counters).toEqual([])
    expect(await shownCounts(catalog, neighbour)).toMatchObject({ days: ['0 1 view 1'] })
  })

  it('leaves no row of a removed tenant in shared tables, and all of its neighbour', async () => {
    const { here, catalog, wait, run } = await begin()
    const [tenant, neighbour] = [await tenantIn(here, 'removed', 'shared'), await tenantIn(here, 'removed-2', 'shared')]
    const many = Array.from({ length: 6_000 }, (_, index) => ({
      at: at + (index % 50) * MINUTE_MS,
      post: index % 200,
      visitor: `${index % 9}`,
    }))
    wait(batchOf(tenant.id, 'a', many), one(neighbour, 'a'))
    await run(NEVER, 1)
    const kept = await shownCounts(catalog, neighbour)
    expect((await shownCounts(catalog, tenant)).events.length).toBe(6_000)
    await markDeleted(catalog, tenant.slug, Date.now() - 1)
    await removeTenant(catalog, tenant.slug, removing())
    expect(await shownCounts(catalog, tenant)).toEqual(NOTHING)
    expect(await shownCounts(catalog, neighbour)).toEqual(kept)
  })

  it('prunes counts per minute, single events and the ledger by their ages, and keeps what is per day', async () => {
    const { here, catalog, wait, run } = await begin()
    const tenant = await tenantIn(here, 'pruned')
    const spread = [0, 5, 20, 31].map(days => ({ at: at - days * DAY_MS, visitor: 'ann' }))
    wait(batchOf(tenant.id, 'a', spread))
    await run(NEVER, 10)
    const prune = (analyticsRawDays: number, now: number) =>
      pruneTenantEvents(catalog, tenant.id, { analyticsMinutesDays: 30, analyticsRawDays }, NEVER, now)
    expect(await prune(10, at)).toEqual({ minutes: 1, events: 2, batches: 0 })
    expect(await shownCounts(catalog, tenant)).toMatchObject({
      minutes: [`${-20 * 1_440} 0 view 1`, `${-5 * 1_440} 0 view 1`, '0 0 view 1'],
      days: ['-31 0 view 1', '-20 0 view 1', '-5 0 view 1', '0 0 view 1'],
      batches: ['a 4'],
      events: [{ id: 1 }, { id: 2 }],
    })
    expect((await shownCounts(catalog, tenant)).visitors.length).toBe(8)
    expect(await prune(0, at)).toEqual({ minutes: 0, events: 2, batches: 0 })
    expect(await prune(0, Date.now() + 7.9 * DAY_MS)).toMatchObject({ batches: 0 })
    expect(await prune(0, Date.now() + 8.1 * DAY_MS)).toMatchObject({ batches: 1 })
    expect((await shownCounts(catalog, tenant)).days.length).toBe(4)
  })
})
