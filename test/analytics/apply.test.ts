import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { ALL_POSTS, DAY_MS, MINUTE_MS } from '../../src/analytics/aggregate.js'
import { applyBatches } from '../../src/analytics/apply.js'
import type { EventBatch } from '../../src/analytics/event-batch.js'
import { type TenantTables, withTenant } from '../../src/tenants/tables.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'
import { batchOf, hashOf } from './batches.js'
import { DAY, shownCounts } from './shown-counts.js'

const at = (minute: number) => DAY * DAY_MS + minute * MINUTE_MS

describeDatabases('batches of events', env => {
  const begin = async (slug: string, placement: 'dedicated' | 'shared' = 'shared') => {
    const here = await openInstallation(env)
    const { catalog } = here
    const tenant = await tenantIn(here, slug, placement)
    const apply = (batches: readonly EventBatch[], raw = false) =>
      withTenant(catalog, tenant, tables => applyBatches(tables, batches, { raw, now: 5 }))
    return {
      catalog,
      tenant,
      apply,
      batch: (id: string, ...events: Parameters<typeof batchOf>[2]) => batchOf(tenant.id, id, events),
    }
  }

  it('add up over calls, minutes, posts and kinds', async () => {
    const { catalog, tenant, apply, batch } = await begin('sums')
    const first = batch(
      'a',
      { at: at(0), post: 1, visitor: 'ann' },
      { at: at(0), post: 1, visitor: 'bob' },
      { at: at(1), kind: 'share' },
    )
    const second = batch('b', { at: at(0), post: 1, visitor: 'ann' }, { at: at(0), post: 1, kind: 'click', visitor: 'cyd' })
    expect(await apply([first])).toEqual({ batches: 1, repeated: 0, events: 3 })
    expect(await apply([second, batch('c', { at: at(1_440), post: 2, visitor: 'dan' })])).toEqual({
      batches: 2,
      repeated: 0,
      events: 3,
    })
    expect(await shownCounts(catalog, tenant)).toEqual({
      minutes: ['0 1 click 1', '0 1 view 3', '1 0 share 1', '1440 2 view 1'],
      days: ['0 0 share 1', '0 1 click 1', '0 1 view 3', '1 2 view 1'],
      visitors: [
        `0 ${ALL_POSTS} click 1`,
        `0 ${ALL_POSTS} view 2`,
        '0 1 click 1',
        '0 1 view 2',
        `1 ${ALL_POSTS} view 1`,
        '1 2 view 1',
      ],
      batches: ['a 3', 'b 2', 'c 1'],
      events: [],
    })
  })

  it('with an id that was counted, or comes twice, count once', async () => {
    const { catalog, tenant, apply, batch } = await begin('once')
    const [a, b] = [batch('a', { at: at(0), visitor: 'ann' }), batch('b', { at: at(0), visitor: 'bob' })]
    expect(await apply([a, b, a], true)).toEqual({ batches: 2, repeated: 1, events: 2 })
    const counted = await shownCounts(catalog, tenant)
    expect(await apply([a, b], true)).toEqual({ batches: 0, repeated: 2, events: 0 })
    // Whatever is in it: the first counts.
    expect(await apply([batch('a', { at: at(3), kind: 'other' })], true)).toEqual({ batches: 0, repeated: 1, events: 0 })
    expect(await shownCounts(catalog, tenant)).toEqual(counted)
    expect(await apply([a, batch('c', { at: at(0) })], true)).toEqual({ batches: 1, repeated: 1, events: 1 })
    expect((await shownCounts(catalog, tenant)).minutes).toEqual(['0 0 view 3'])
  })

  it('are counted once by several that do it at the same time', async () => {
    const { catalog, tenant, apply, batch } = await begin('racing')
    const batches = Array.from({ length: 20 }, (_, index) =>
      batch(`b${index}`, { at: at(0), visitor: `v${index}` }, { at: at(0), post: index + 1 }),
    )
    const racers = [batches, batches.toReversed(), batches.slice(5, 15), batches.slice(0, 12)]
    const applied = await Promise.all(racers.map(some => apply(some, true)))
    expect(applied.reduce((sum, { events }) => sum + events, 0)).toBe(40)
    const { days, visitors, events } = await shownCounts(catalog, tenant)
    expect(days[0]).toBe('0 0 view 20')
    expect(visitors[0]).toBe(`0 ${ALL_POSTS} view 20`)
    expect(events.map(row => row.id)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
  })

  it('keep single events as they came where that is asked for', async () => {
    const { catalog, tenant, apply, batch } = await begin('raw', 'dedicated')
    const extra = '{"note":"O\'Neil said \\"no\\"; -- 漢字"}'
    await apply([batch('a', { at: at(1) + 7, post: 3, visitor: 'ann', extra }, { at: at(2), kind: 'click' })], true)
    await apply([batch('b', { at: at(1_440) })], true)
    const [high, low] = hashOf(tenant.id, 'ann').map(word => word.toString(16).padStart(8, '0'))
    expect((await shownCounts(catalog, tenant)).events).toEqual([
      { day: DAY, id: 1, at: at(1) + 7, kind: 'view', post_id: 3, visitor: `${high}${low}`, extra },
      { day: DAY, id: 2, at: at(2), kind: 'click', post_id: 0, visitor: null, extra: null },
      { day: DAY + 1, id: 3, at: at(1_440), kind: 'view', post_id: 0, visitor: null, extra: null },
    ])
  })

  it('leave nothing behind when one statement of them fails', async () => {
    const { catalog, tenant, batch } = await begin('whole')
    let outside: Promise<void> = Promise.resolve()
    const broken = (tables: TenantTables) => {
      const transaction = tables.transaction.bind(tables)
      tables.transaction = deed =>
        transaction(tx => {
          const insert = tx.insertColumns.bind(tx)
          tx.insertColumns = (table, ...rest) => {
            if (table !== 'events') return insert(table, ...rest)
            outside = transaction(other => other.insert('counters', [{ name: 'media', next: 7 }]))
            return nextTurn().then(() => Promise.reject(new Error('no')))
          }
          return deed(tx)
        })
      return applyBatches(tables, [batch('a', { at: at(0), visitor: 'ann' })], { raw: true, now: 5 })
    }
    await expect(withTenant(catalog, tenant, broken)).rejects.toThrow('no')
    // Nor does what somebody else wrote meanwhile become part of it.
    await outside
    const counters = await withTenant(catalog, tenant, tables => tables.counters().select(['name', 'next']).execute())
    expect(counters).toContainEqual({ name: 'media', next: 7 })
    expect(await shownCounts(catalog, tenant)).toEqual({ minutes: [], days: [], visitors: [], batches: [], events: [] })
  })

  it('of many posts and visitors come to the sums of all of them', async () => {
    const { catalog, tenant, apply, batch } = await begin('many')
    const batches = Array.from({ length: 5 }, (_, number) =>
      batch(
        `b${number}`,
        ...Array.from({ length: 2_000 }, (_, index) => ({
          at: at(index % 3),
          post: 1 + (index % 1_300),
          visitor: `v${number}-${index % 400}`,
        })),
      ),
    )
    await apply(batches.slice(0, 2))
    await apply(batches.slice(2))
    const { minutes, days, visitors } = await shownCounts(catalog, tenant)
    expect(minutes.length).toBe(2_000)
    expect(days.length).toBe(1_300)
    expect(new Set(days.map(day => day.split(' ')[3]))).toEqual(new Set(['5', '10']))
    expect(Number(visitors[0]?.split(' ')[3])).toBeGreaterThan(2_000 * 0.95)
    expect(Number(visitors[0]?.split(' ')[3])).toBeLessThan(2_000 * 1.05)
  })

  it('leave the process its turns, however many posts they name', async () => {
    const { apply, batch } = await begin('turns')
    const batches = Array.from({ length: 25 }, (_, number) =>
      batch(
        `b${number}`,
        ...Array.from({ length: 1_000 }, (_, index) => ({ at: at(0), post: number * 1_000 + index, visitor: 'ann' })),
      ),
    )
    let turns = 0
    const look = () => {
      turns++
      next = setImmediate(look)
    }
    let next = setImmediate(look)
    await apply(batches)
    clearImmediate(next)
    // SQLite writes these rows in thousands of statements, one after another.
    expect(turns).toBeGreaterThan(10)
  })

  it('stay with their tenant in shared tables', async () => {
    const [one, other] = [await begin('mine'), await begin('mine-2')]
    await one.apply([one.batch('same-id', { at: at(0), visitor: 'ann' })], true)
    await other.apply([other.batch('same-id', { at: at(0), visitor: 'ann' }, { at: at(0) })], true)
    expect((await shownCounts(one.catalog, one.tenant)).days).toEqual(['0 0 view 1'])
    expect((await shownCounts(other.catalog, other.tenant)).days).toEqual(['0 0 view 2'])
  })
})
