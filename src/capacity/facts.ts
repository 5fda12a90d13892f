import type { Catalog } from '../tenants/catalog.js'
import type { TenantState } from '../tenants/databases/index.js'
import { readServed, type ServedLoad } from '../tenants/served-hours.js'
import { type Growth, measuredGrowth, weeksBefore, weeksOfHistory } from './growth.js'

/** The busiest seconds of so long are what has to be carried. */
const SERVED_MS = 28 * 86_400_000

/** What is known of an installation. */
export interface Facts {
  /** Tenants by state. */
  readonly states: Readonly<Record<TenantState, number>>
  /** Those that have to be carried, as the dashboard counts them: all but those that are being removed. */
  readonly tenants: number
  readonly growth: Growth
  /** What the API served in the last four weeks; null for nothing. */
  readonly served: ServedLoad | null
}

const NO_STATES = { provisioning: 0, active: 0, suspended: 0, deleting: 0 } satisfies Record<TenantState, number>

/** @param catalog null where there is none yet: then there is nothing */
export async function readFacts(catalog: Catalog | null, now: number): Promise<Facts> {
  if (catalog === null) {
    const growth = measuredGrowth({ since: null, now: 0, before: 0 }, 0)
    return { states: NO_STATES, tenants: 0, growth, served: null }
  }
  const [states, served] = await Promise.all([countStates(catalog), readServed(catalog, now - SERVED_MS, now)])
  const tenants = states.provisioning + states.active + states.suspended
  return { states, tenants, growth: await readGrowth(catalog, tenants, now), served }
}

async function countStates({ kysely }: Catalog): Promise<Facts['states']> {
  const rows = await kysely
    .selectFrom('tenants')
    .select(eb => ['state', eb.fn.countAll<number>().as('tenants')])
    .groupBy('state')
    .execute()
  return { ...NO_STATES, ...Object.fromEntries(rows.map(({ state, tenants }) => [state, Number(tenants)])) }
}

async function readGrowth(catalog: Catalog, tenants: number, now: number): Promise<Growth> {
  const row = await catalog.kysely
    .selectFrom('tenants')
    .select(eb => eb.fn.min('created_at').as('since'))
    .executeTakeFirst()
  const since = row?.since == null ? null : Number(row.since)
  const weeks = weeksOfHistory(since, now)
  const then = weeks === 0 ? 0 : await tenantsAt(catalog, weeksBefore(now, weeks))
  return measuredGrowth({ since, now: tenants, before: then }, weeks)
}

/** How many there were: those that came before, and those of them that began to be removed only since. */
async function tenantsAt({ kysely }: Catalog, at: number): Promise<number> {
  const old = await kysely
    .selectFrom('tenants')
    .where('created_at', '<=', at)
    .select(eb => eb.fn.countAll<number>().as('tenants'))
    .executeTakeFirstOrThrow()
  const young = await kysely
    .selectFrom('tenants')
    .where('created_at', '>', at)
    .select(eb => eb.fn.min('id').as('first'))
    .executeTakeFirst()
  // Receipts do not tell when their tenants came, but numbers are given in order.
  const first = young?.first == null ? Number.MAX_SAFE_INTEGER : Number(young.first)
  const gone = await kysely
    .selectFrom('receipts')
    .leftJoin('tenants', 'tenants.id', 'receipts.tenant_id')
    .where('tenants.id', 'is', null)
    .where('receipts.began_at', '>', at)
    .where('receipts.tenant_id', '<', first)
    .select(eb => eb.fn.countAll<number>().as('tenants'))
    .executeTakeFirstOrThrow()
  return Number(old.tenants) + Number(gone.tenants)
}
