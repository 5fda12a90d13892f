import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import { getTenant, type Tenant } from '../../tenants/tenant.js'
import type { Caller } from '../api/population.js'
import type { Place } from '../sync/place.js'

const AT_ONCE = 8
const LOOK_EVERY_MS = 100
/** When nothing is counted for so long, nothing will be: longer than events are gathered. */
const STUCK_MS = 60_000

/** Events in a tenant's tables. */
export interface Counted {
  /** Per minute, and per day: both are of all events. */
  readonly minutes: number
  readonly days: number
}

export interface Commitment {
  /** By the tenant's id. */
  readonly counted: ReadonlyMap<number, Counted>
  /** When the last row was seen that was waited for, or that there was; ms of `performance.now`. */
  readonly at: number
}

/** Waits until the tables hold so many events of each tenant, or nothing is added any more. @throws the signal's reason */
export function untilCounted(
  place: Place,
  callers: readonly Caller[],
  wanted: ReadonlyMap<number, number>,
  signal: AbortSignal,
  gatheredMs: number,
): Promise<Commitment> {
  return place.withCatalog(async catalog => {
    const tenants: Tenant[] = []
    for (const { slug } of callers) tenants.push(await getTenant(catalog, slug))
    const total = [...wanted.values()].reduce((sum, events) => sum + events, 0)
    let seen = -1
    let changedAt = performance.now()
    for (;;) {
      signal.throwIfAborted()
      const counted = await countedOf(catalog, tenants)
      const lookedAt = performance.now()
      const sum = [...counted.values()].reduce((all, { days }) => all + days, 0)
      if (sum !== seen) changedAt = lookedAt
      seen = sum
      if (sum >= total || lookedAt - changedAt > STUCK_MS + gatheredMs) return { counted, at: changedAt }
      await pause(LOOK_EVERY_MS)
    }
  })
}

/** Why the tables do not hold what was acknowledged, to the event; nothing when they do. */
export function lossesIn(wanted: ReadonlyMap<number, number>, counted: ReadonlyMap<number, Counted>): string[] {
  const losses = [...wanted].flatMap(([tenant, events]) => {
    const { minutes, days } = counted.get(tenant) ?? { minutes: 0, days: 0 }
    return minutes === events && days === events
      ? []
      : [`tenant ${tenant}: ${events} acknowledged, ${minutes} per minute, ${days} per day`]
  })
  const [first] = losses
  return first === undefined ? [] : [`events of ${losses.length} tenants are not counted once: ${first}`]
}

/** Events that were acknowledged and are not in the tables. */
export function lostEvents(wanted: ReadonlyMap<number, number>, counted: ReadonlyMap<number, Counted>): number {
  let lost = 0
  for (const [tenant, events] of wanted) lost += Math.abs(events - (counted.get(tenant)?.days ?? 0))
  return lost
}

async function countedOf(catalog: Catalog, tenants: readonly Tenant[]): Promise<Map<number, Counted>> {
  const counted = new Map<number, Counted>()
  for (let from = 0; from < tenants.length; from += AT_ONCE)
    await Promise.all(
      tenants.slice(from, from + AT_ONCE).map(async tenant => counted.set(tenant.id, await sumsOf(catalog, tenant))),
    )
  return counted
}

function sumsOf(catalog: Catalog, tenant: Tenant): Promise<Counted> {
  return withTenant(catalog, tenant, async tables => {
    const sum = sql<number | string | null>`sum(events)`.as('events')
    const [minutes, days] = [
      await tables.eventCounts().select(sum).executeTakeFirstOrThrow(),
      await tables.eventDays().select(sum).executeTakeFirstOrThrow(),
    ]
    return { minutes: Number(minutes.events ?? 0), days: Number(days.events ?? 0) }
  })
}
