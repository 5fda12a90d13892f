import { DAY_MS, MINUTE_MS } from '../../src/analytics/aggregate.js'
import { applyBatches } from '../../src/analytics/apply.js'
import { pruneTenantEvents } from '../../src/analytics/prune.js'
import { reportOf } from '../../src/analytics/report.js'
import { type AskedReport, parseReport } from '../../src/analytics/report-query.js'
import { withTenant } from '../../src/tenants/tables.js'
import { batchOf } from '../analytics/batches.js'
import type { Deed } from './deeds.js'

const DAY = Date.UTC(2026, 4, 1)
const { signal } = new AbortController()

export const EVENT_DEEDS: Readonly<Record<string, Deed>> = {
  'count events, some of them twice': async ({ ground, tenant }, draw) => {
    const batches = Array.from({ length: 1 + draw(3) }, () => {
      const events = Array.from({ length: 1 + draw(8) }, () => ({
        kind: ['view', 'click'][draw(2)] as string,
        post: draw(4),
        at: DAY + draw(3) * DAY_MS + draw(5) * MINUTE_MS,
        visitor: `v${draw(5)}`,
      }))
      // Visitors and batches of the same names as the neighbour's.
      return { ...batchOf(1 as typeof tenant.id, `b${draw(60)}`, events), tenantId: tenant.id }
    })
    const raw = draw(3) > 0
    return withTenant(ground.here.catalog, tenant, tables => applyBatches(tables, batches, { raw, now: DAY }))
  },
  'report events': async ({ ground, tenant }, draw) => {
    const by = (['day', 'post', 'kind', 'minute'] as const)[draw(4)] as NonNullable<AskedReport['by']>
    const range = by === 'minute' ? ['2026-05-01T00:00Z', '2026-05-01T00:10Z'] : ['2026-05-01', '2026-05-03']
    const asked = { by, from: range[0], to: range[1], ...(draw(2) === 0 ? {} : { post: draw(4) }) }
    return withTenant(ground.here.catalog, tenant, tables => reportOf(tables, parseReport(asked, DAY)))
  },
  'report posts with their titles': ({ ground, tenant }) =>
    withTenant(ground.here.catalog, tenant, tables =>
      reportOf(tables, parseReport({ by: 'post', from: '2026-05-01', to: '2026-05-03' }, DAY)),
    ),
  'prune events': ({ ground, tenant }, draw) => {
    const retention = { analyticsMinutesDays: 1 + draw(2), analyticsRawDays: draw(2) }
    return pruneTenantEvents(ground.here.catalog, tenant.id, retention, signal, DAY + (2 + draw(12)) * DAY_MS)
  },
}
