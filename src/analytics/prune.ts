import { isFailure } from '../kernel/errors.js'
import { isHeldOff } from '../tenants/admission.js'
import type { Catalog } from '../tenants/catalog.js'
import { removeAged } from '../tenants/event-rows.js'
import type { TenantId } from '../tenants/ids.js'
import { withTenant } from '../tenants/tables.js'
import { findTenant } from '../tenants/tenant.js'
import { DAY_MS, MINUTES_PER_DAY } from './aggregate.js'

/** How long the ids of counted batches are known: intake takes no event older than seven days, so that nobody has a reason to send it later. */
export const LEDGER_DAYS = 8

/** How long what was counted is kept, as the settings have it. */
export interface EventRetention {
  readonly analyticsMinutesDays: number
  readonly analyticsRawDays: number
}

export interface PrunedEvents {
  readonly minutes: number
  readonly events: number
  readonly batches: number
}

/**
 * Deletes what is too old of the tenant's counts per minute, single events, and ids of counted batches. Counts and sketches per day stay. Calm about a tenant that
 * is gone, not active or held off by a move. @throws the signal's reason between two statements; {Failure} UNAVAILABLE
 */
export async function pruneTenantEvents(
  catalog: Catalog,
  id: TenantId,
  retention: EventRetention,
  signal: AbortSignal,
  now = Date.now(),
): Promise<PrunedEvents> {
  const nothing = { minutes: 0, events: 0, batches: 0 }
  const tenant = await findTenant(catalog, id)
  if (tenant?.state !== 'active') return nothing
  const today = Math.floor(now / DAY_MS)
  const { analyticsMinutesDays, analyticsRawDays } = retention
  const beforeMinute = (today - analyticsMinutesDays) * MINUTES_PER_DAY
  // Where none are kept, those of an earlier setting go, the newest too.
  const beforeDay = analyticsRawDays === 0 ? Number.MAX_SAFE_INTEGER : today - analyticsRawDays
  try {
    return await withTenant(catalog, tenant, async tables => ({
      minutes: await removeAged(tables, { table: 'event_counts', beforeMinute }, signal),
      events: await removeAged(tables, { table: 'events', beforeDay }, signal),
      batches: await removeAged(tables, { table: 'event_batches', before: now - LEDGER_DAYS * DAY_MS }, signal),
    }))
  } catch (error) {
    if (isHeldOff(error)) return nothing
    const left = isFailure(error) && !signal.aborted && (await findTenant(catalog, id))?.state !== 'active'
    if (!left) throw error
    return nothing
  }
}
