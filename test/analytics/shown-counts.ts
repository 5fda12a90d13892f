import { decodeSketch, estimate } from '../../src/analytics/hyperloglog.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { withTenant } from '../../src/tenants/tables.js'
import type { Tenant } from '../../src/tenants/tenant.js'

/** The day that times are told from. */
export const DAY = 20_000

/** Everything that was counted of the tenant, a line for each row: `<minute of DAY, or days after it> <post> <kind> <events or visitors>`. */
export async function shownCounts(catalog: Catalog, tenant: Tenant) {
  return withTenant(catalog, tenant, async tables => {
    const [minutes, days, visitors, batches, events] = await Promise.all([
      tables
        .eventCounts()
        .select(['minute', 'post_id', 'kind', 'events'])
        .orderBy('minute')
        .orderBy('post_id')
        .orderBy('kind')
        .execute(),
      tables.eventDays().select(['day', 'post_id', 'kind', 'events']).orderBy('day').orderBy('post_id').orderBy('kind').execute(),
      tables
        .eventVisitors()
        .select(['day', 'post_id', 'kind', 'sketch'])
        .orderBy('day')
        .orderBy('post_id')
        .orderBy('kind')
        .execute(),
      tables.eventBatches().select(['batch_id', 'events']).orderBy('batch_id').execute(),
      tables.events().select(['day', 'id', 'at', 'kind', 'post_id', 'visitor', 'extra']).orderBy('id').execute(),
    ])
    return {
      minutes: minutes.map(row => `${row.minute - DAY * 1_440} ${row.post_id} ${row.kind} ${row.events}`),
      days: days.map(row => `${row.day - DAY} ${row.post_id} ${row.kind} ${row.events}`),
      visitors: visitors.map(row => `${row.day - DAY} ${row.post_id} ${row.kind} ${estimate(decodeSketch(row.sketch))}`),
      batches: batches.map(row => `${row.batch_id} ${row.events}`),
      events,
    }
  })
}
