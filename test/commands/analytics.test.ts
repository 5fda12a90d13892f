import { expect, it } from 'vitest'
import { DAY_MS, MINUTE_MS } from '../../src/analytics/aggregate.js'
import { dayText, minuteText } from '../../src/analytics/report-query.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { withLock } from '../../src/tenants/locks.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { batchOf, type GivenEvent } from '../analytics/batches.js'
import { Installation } from '../e2e/installation.js'
import { describeDrivers } from '../support/drivers.js'

describeDrivers('feedctl analytics', settings => {
  const begin = async (slug: string) => {
    const installation = await Installation.create(settings)
    await installation.createTenant(slug, [], ['--placement', 'shared'])
    const app = await installation.open()
    const tenant = await getTenant(app.catalog, parseSlug(slug))
    const accept = async (id: string, events: readonly GivenEvent[]) =>
      (await app.events()).append(batchOf(tenant.id, id, events))
    const json = async (...argv: string[]) => {
      const { exit, out, err } = await installation.run([...argv, '--json'])
      if (exit !== 0) throw new Error(err)
      return JSON.parse(out)
    }
    const report = (...flags: string[]) => json('analytics', 'report', slug, ...flags)
    return { installation, app, tenant, accept, json, report }
  }
  const now = Date.now()
  const today = Math.floor(now / DAY_MS)
  const yesterday = (today - 1) * DAY_MS

  it('flush counts what waits, and report shows it by day, kind, post and minute', async () => {
    const { installation, app, tenant, accept, json, report } = await begin('shown')
    await withTenant(app.catalog, tenant, tables =>
      tables.transaction(tx =>
        tx.insert('posts', [
          {
            id: 7,
            feed_id: 1,
            guid: 'g',
            guid_hash: 'g',
            content_hash: 'c',
            title: 'Seven',
            content: '',
            categories: '[]',
            enclosures: '[]',
            created_at: 1,
            changed_at: 1,
          },
        ]),
      ),
    )
    await accept('a', [
      { at: yesterday + 5, post: 7, visitor: 'ann' },
      { at: yesterday + 5, post: 7, visitor: 'bob' },
      { at: yesterday + MINUTE_MS, post: 8, visitor: 'ann', kind: 'click' },
    ])
    await accept('b', [{ at: now, post: 7, visitor: 'ann' }, { at: now }])
    expect(await json('analytics', 'flush')).toMatchObject({
      batches: 2,
      repeated: 0,
      orphaned: 0,
      events: 5,
      returned: 0,
      failures: [],
    })
    await app[Symbol.asyncDispose]()

    const byDay = await report('--from', dayText(today - 2))
    expect(byDay).toEqual({
      tenant: 'shown',
      from: dayText(today - 2),
      to: expect.any(String),
      by: 'day',
      rows: expect.any(Array),
      total: { events: 5, visitors: 2 },
      visitors_error_percent: 1.6,
    })
    expect(byDay.rows.slice(0, 3)).toEqual([
      { day: dayText(today - 2), events: 0, visitors: 0 },
      { day: dayText(today - 1), events: 3, visitors: 2 },
      { day: dayText(today), events: 2, visitors: 1 },
    ])
    expect((await report()).rows.length).toBe(30)
    expect(await report('--by', 'kind')).toMatchObject({
      rows: [
        { kind: 'view', events: 4, visitors: 2 },
        { kind: 'click', events: 1, visitors: 1 },
      ],
    })
    expect((await report('--by', 'post')).rows).toEqual([
      { post_id: 7, title: 'Seven', events: 3, visitors: 2 },
      { post_id: 0, title: null, events: 1, visitors: 0 },
      { post_id: 8, title: null, events: 1, visitors: 1 },
    ])
    expect(await report('--by', 'post', '--limit', '1')).toMatchObject({
      rows: [{ post_id: 7, title: 'Seven', events: 3, visitors: 2 }],
      total: { events: 5, visitors: 2 },
    })
    expect((await report('--by', 'post', '--kind', 'click')).rows).toEqual([{ post_id: 8, title: null, events: 1, visitors: 1 }])
    expect(await report('--by', 'kind', '--post', '7')).toMatchObject({
      rows: [{ kind: 'view', events: 3, visitors: 2 }],
      total: { events: 3, visitors: 2 },
    })
    const minute = Math.floor(yesterday / MINUTE_MS)
    const [from, to] = [minuteText(minute - 1), minuteText(minute + 1)]
    expect(await report('--by', 'minute', '--from', from, '--to', to)).toMatchObject({
      from,
      rows: [
        { minute: from, events: 0, visitors: null },
        { minute: minuteText(minute), events: 2, visitors: null },
        { minute: to, events: 1, visitors: null },
      ],
      total: { events: 3, visitors: null },
    })
    const { out } = await installation.run(['analytics', 'report', 'shown', '--by', 'post', '--to', dayText(today)])
    expect(out.split('\n')).toEqual([
      `shown ${dayText(today - 29)} to ${dayText(today)}: 5 events, 2 visitors`,
      'POST  EVENTS  VISITORS  TITLE',
      '   7       3         2  Seven',
      '   0       1         0  (no post)',
      '   8       1         1  (gone)',
      'visitors are estimated, ±1.6 % (standard error)',
      '',
    ])
    await installation[Symbol.asyncDispose]()
  })

  it('flush says what it did, is LOCKED while another does it, and counts nothing twice', async () => {
    const { installation, app, accept } = await begin('locked')
    await accept('a', [{ at: now, visitor: 'ann' }])
    const locked = await withLock(app.catalog, 'analytics flush', () => installation.run(['analytics', 'flush']))
    expect(locked).toMatchObject({ exit: 7, out: '' })
    expect(locked.err).toMatch(/error: analytics flush is already running: .*\(LOCKED\)/)
    expect((await installation.run(['analytics', 'flush'])).out).toMatch(/^counted 1 event of 1 batch in .*\n$/)
    expect((await installation.run(['analytics', 'flush'])).out).toMatch(/^counted 0 events of 0 batches in .*\n$/)
    await app[Symbol.asyncDispose]()
    await installation[Symbol.asyncDispose]()
  })

  it('flush exits 6 when a database fails, names its tenants, and the batches wait', async () => {
    const { installation, app, tenant, accept } = await begin('broken')
    await accept('a', [{ at: now, visitor: 'ann' }])
    await app.catalog.kysely
      .updateTable('placements')
      .set({ database_name: 'nothing_here' })
      .where('database_name', '=', tenant.placement.database)
      .execute()
    const failed = await installation.run(['analytics', 'flush'])
    expect(failed).toMatchObject({ exit: 6 })
    expect(failed.out).toContain('(1 wait)')
    expect(failed.out).toMatch(/^failures\n {2}broken: .* \([A-Z_]+\)$/m)
    expect(failed.err).toContain('error: 1 batch of 1 tenant could not be counted, and wait (PARTIAL)')
    const { out } = await installation.run(['analytics', 'flush', '--json'])
    const failure = { tenant: 'broken', code: expect.stringMatching(/^[A-Z_]+$/), message: expect.any(String) }
    expect(JSON.parse(out)).toMatchObject({ events: 0, returned: 1, failures: [failure] })
    expect(Object.keys(JSON.parse(out).failures[0])).toEqual(['tenant', 'code', 'message'])
    await app.catalog.kysely
      .updateTable('placements')
      .set({ database_name: tenant.placement.database })
      .where('database_name', '=', 'nothing_here')
      .execute()
    expect((await installation.run(['analytics', 'flush'])).out).toMatch(/^counted 1 event /)
    await app[Symbol.asyncDispose]()
    await installation[Symbol.asyncDispose]()
  })

  it('report refuses what is no day, no tenant, and too much', async () => {
    const { installation, app } = await begin('refuses')
    const refusal = async (...flags: string[]) =>
      (await installation.run(['analytics', 'report', 'refuses', ...flags])).err.split('\n')[0]
    expect(await refusal('--from', '2026-02-30')).toBe('error: "2026-02-30" is not a day (USAGE)')
    expect(await refusal('--from', '2026-02-02', '--to', '2026-02-01')).toBe('error: `from` is after `to` (USAGE)')
    expect(await refusal('--from', '2020-01-01')).toBe('error: at most 366 days are shown at once (USAGE)')
    expect(await refusal('--by', 'minute', '--from', '2026-02-01')).toBe('error: "2026-02-01" is not a minute (USAGE)')
    expect(await refusal('--by', 'minute', '--from', '2026-02-30T00:00Z')).toBe(
      'error: "2026-02-30T00:00Z" is not a minute (USAGE)',
    )
    expect(await refusal('--by', 'post', '--from', '2026-01-01', '--to', '2026-12-31', '--limit', '110')).toBe(
      'error: of 365 days at most 109 posts are shown at once (USAGE)',
    )
    expect(await refusal('--by', 'week')).toMatch(/USAGE/)
    expect(await installation.run(['analytics', 'report', 'nobody'])).toMatchObject({ exit: 4 })
    await app[Symbol.asyncDispose]()
    await installation[Symbol.asyncDispose]()
  })
})
