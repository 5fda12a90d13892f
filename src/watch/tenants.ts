import { type SelectQueryBuilder, sql } from 'kysely'
import type { Catalog } from '../tenants/catalog.js'
import type { CatalogSchema, TenantState } from '../tenants/databases/index.js'
import { parseSlug } from '../tenants/ids.js'
import type { TenantStanding, TenantStandings } from './overview.js'

const LISTED = 10
/** What is due within this counts among the tenants that should be synced: some are not due for a week. */
const SOON_MS = 86_400_000
/** A sync that failed is tried again after this, or later. */
const AGAIN_MS = 300_000

/** How the tenants do: two sorts and a sum over their rows. */
export async function readTenants(catalog: Catalog, now: number): Promise<TenantStandings> {
  const [sums, slowest, mostFailing] = await Promise.all([
    sumByState(catalog, now),
    listed(catalog, tenants => tenants.where('sync_ms', 'is not', null).orderBy('sync_ms', 'desc')),
    listed(catalog, tenants =>
      tenants
        .where(eb => eb.or([eb('sync_failures', '>', 0), eb('sync_feeds_failed', '>', 0)]))
        .orderBy('sync_failures', 'desc')
        .orderBy('sync_feeds_failed', 'desc'),
    ),
  ])
  const states = { provisioning: 0, active: 0, suspended: 0, deleting: 0 } satisfies Record<TenantState, number>
  for (const { state, tenants } of sums) states[state] = Number(tenants)
  const active = sums.find(({ state }) => state === 'active')
  return {
    readAt: now,
    states,
    active: states.active,
    paused: Number(active?.paused ?? 0),
    failing: Number(active?.failing ?? 0),
    failed: Number(active?.failed ?? 0),
    syncedAt: numberOrNull(active?.synced_at),
    oldestAt: numberOrNull(active?.oldest_at),
    failingSince: numberOrNull(active?.failing_since),
    // A few that fail must not make an alert of the hours in which nobody else is due.
    dueAt: Number(active?.due_failing ?? 0) * 2 > Number(active?.at_stake ?? 0) ? 0 : numberOrNull(active?.due_at),
    slowest,
    mostFailing,
  }
}

function sumByState(catalog: Catalog, now: number) {
  const countIf = (condition: ReturnType<typeof sql>) => sql<number>`sum(case when ${condition} then 1 else 0 end)`
  return catalog.kysely
    .selectFrom('tenants')
    .select(eb => [
      'state',
      eb.fn.countAll<number>().as('tenants'),
      countIf(sql`paused_at is not null`).as('paused'),
      countIf(sql`sync_failures > 0 or sync_feeds_failed > 0`).as('failing'),
      countIf(sql`sync_failures > 0`).as('failed'),
      sql<number | null>`max(case when sync_failures = 0 then synced_at end)`.as('synced_at'),
      sql<number | null>`min(created_at)`.as('oldest_at'),
      sql<number | null>`max(case when sync_failures > 0 then synced_at - (sync_failures - 1) * ${AGAIN_MS} end)`.as(
        'failing_since',
      ),
      countIf(sql`paused_at is null and sync_failures > 0`).as('due_failing'),
      countIf(sql`paused_at is null and (sync_failures > 0 or coalesce(next_sync_at, 0) <= ${now + SOON_MS})`).as('at_stake'),
      sql<number | null>`min(case when paused_at is null and sync_failures = 0 then coalesce(next_sync_at, 0) end)`.as('due_at'),
    ])
    .groupBy('state')
    .execute()
}

const COLUMNS = ['id', 'slug', 'synced_at', 'sync_ms', 'sync_failures', 'sync_feeds_failed', 'paused_at'] as const
type Tenants = SelectQueryBuilder<CatalogSchema, 'tenants', object>

async function listed(catalog: Catalog, choose: (tenants: Tenants) => Tenants): Promise<TenantStanding[]> {
  const rows = await choose(catalog.kysely.selectFrom('tenants').where('state', '=', 'active'))
    .select(COLUMNS)
    .orderBy('id')
    .limit(LISTED)
    .execute()
  return rows.map(row => ({
    id: row.id,
    slug: parseSlug(row.slug),
    syncedAt: row.synced_at,
    syncMs: row.sync_ms,
    syncFailures: row.sync_failures,
    feedsFailed: row.sync_feeds_failed,
    paused: row.paused_at !== null,
  }))
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}
