import { expect, it } from 'vitest'
import { DAY_MS } from '../../src/analytics/aggregate.js'
import { applyBatches } from '../../src/analytics/apply.js'
import { reportOf } from '../../src/analytics/report.js'
import { dayText, parseReport } from '../../src/analytics/report-query.js'
import { withTenant } from '../../src/tenants/tables.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'
import { batchOf } from './batches.js'
import { DAY } from './shown-counts.js'

const [POSTS, DAYS] = [100, 366]

describeDatabases('a report', env => {
  it('of many posts over a year takes few statements, and merges the visitors of all days', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'year', 'shared')
    const events = Array.from({ length: 4_000 }, (_, index) => ({
      at: (DAY + ((index * 7) % DAYS)) * DAY_MS,
      post: 1 + (index % POSTS),
      kind: index % 3 === 0 ? 'click' : 'view',
      visitor: `v${index % 250}`,
    }))
    const asked = parseReport({ by: 'post', from: dayText(DAY), to: dayText(DAY + DAYS - 1), limit: POSTS }, 0)
    await withTenant(here.catalog, tenant, async tables => {
      await applyBatches(tables, [batchOf(tenant.id, 'a', events)], { raw: false, now: 1 })
      const before = here.catalog.server.statements
      const report = await reportOf(tables, asked)
      expect(here.catalog.server.statements - before).toBeLessThan(30)
      expect(report.total).toEqual({ events: 4_000, visitors: 250 })
      expect(report.rows.length).toBe(POSTS)
      for (const { post_id, events: sum, visitors } of report.rows) {
        const own = events.filter(({ post }) => post === post_id)
        expect([sum, visitors]).toEqual([own.length, new Set(own.map(({ visitor }) => visitor)).size])
      }
    })
  })
})
