import { z } from 'zod'
import type { Catalog } from '../tenants/catalog.js'
import { parseTenantId, type TenantId } from '../tenants/ids.js'

const PAGE = 200
const REPORT = z.object({ failure: z.object({ code: z.string(), message: z.string() }) })
/** Runs are kept for days only, and an outage is no failure of a run. */
const NOT_KEPT = 'UNAVAILABLE: publishers could not be reached from here, or the run that told why is not kept any more'

/** A tenant whose newest sync failed as a whole, or reached nobody. */
export interface FailedTenant {
  readonly id: TenantId
  /** `CODE: words`. */
  readonly reason: string
  /** Syncs in a row that failed so. */
  readonly failures: number
  /** Epoch ms. */
  readonly failedAt: number
}

/** The active tenants whose newest sync failed as a whole, or reached nobody, newest first, a page at a time in memory. */
export async function* failedTenants(catalog: Catalog): AsyncGenerator<FailedTenant> {
  let before = { at: Number.MAX_SAFE_INTEGER, id: 0 }
  for (;;) {
    const rows = await page(catalog, before)
    const last = rows.at(-1)
    if (last === undefined) return
    const reasons = await reasonsOf(
      catalog,
      rows.map(row => row.id),
    )
    for (const { id, sync_failures, synced_at } of rows) {
      yield { id: parseTenantId(id), reason: reasons.get(id) ?? NOT_KEPT, failures: sync_failures, failedAt: synced_at ?? 0 }
    }
    before = { at: last.synced_at ?? 0, id: last.id }
  }
}

function page(catalog: Catalog, before: { at: number; id: number }) {
  return catalog.kysely
    .selectFrom('tenants')
    .select(['id', 'sync_failures', 'synced_at'])
    .where('state', '=', 'active')
    .where('sync_failures', '>', 0)
    .where('synced_at', '<=', before.at)
    .where(eb => eb.or([eb('synced_at', '<', before.at), eb('id', '>', before.id)]))
    .orderBy('synced_at', 'desc')
    .orderBy('id')
    .limit(PAGE)
    .execute()
}

/** Why the newest part of each that failed did so. */
async function reasonsOf(catalog: Catalog, ids: readonly number[]): Promise<Map<number, string>> {
  const rows = await catalog.kysely
    .selectFrom('run_tenants as part')
    .innerJoin(
      eb =>
        eb
          .selectFrom('run_tenants')
          .select(({ fn }) => ['tenant_id', fn.max('finished_at').as('at')])
          .where('tenant_id', 'in', ids)
          .where('state', '=', 'failed')
          .groupBy('tenant_id')
          .as('newest'),
      join => join.onRef('newest.tenant_id', '=', 'part.tenant_id').onRef('newest.at', '=', 'part.finished_at'),
    )
    .select(['part.tenant_id', 'part.report'])
    .where('part.tenant_id', 'in', ids)
    .where('part.state', '=', 'failed')
    .execute()
  return new Map(rows.map(row => [row.tenant_id, reasonIn(row.report)]))
}

function reasonIn(report: string | null): string {
  const { data } = REPORT.safeParse(JSON.parse(report ?? 'null'))
  return data === undefined ? NOT_KEPT : `${data.failure.code}: ${data.failure.message}`
}
