import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import { getTenant, type Tenant } from '../../tenants/tenant.js'
import type { Caller } from '../api/population.js'
import type { Place } from '../sync/place.js'

const AT_ONCE = 8
const LOOK_EVERY_MS = 100
/** Events are gathered for no time at all too; what is looked at then is some moments old. */
const LEAST_QUIET_MS = 1_500
/** When nothing is counted for so long, nothing will be: longer than events are gathered. */
const STUCK_MS = 60_000

/** Events in a tenant's tables. */
export interface Counted {
  /** Per minute, and per day: both are of all events. */
  readonly minutes: number
  readonly days: number
}

export interface Commitment {
  /** By the tenant's id, once nothing waited any more. */
  readonly counted: ReadonlyMap<number, Counted>
  /** When the last row was seen that was waited for, or that there was; ms of `performance.now`. */
  readonly at: number
  /** Batches that still waited when nobody counted any more. */
  readonly waiting: number
}

/** What is looked at until everything is counted. */
export interface CountedLooks {
  counted(): Promise<ReadonlyMap<number, Counted>>
  /** Batches that wait to be counted. */
  waiting(): Promise<number>
}

/** Waits until the tables hold so many events of each tenant and nothing waits, or nothing is added any more. @throws the signal's reason */
export function untilCounted(
  { place, callers, signal }: { readonly place: Place; readonly callers: readonly Caller[]; readonly signal: AbortSignal },
  wanted: ReadonlyMap<number, number>,
  backlog: { waiting(): Promise<number> },
): Promise<Commitment> {
  return place.withCatalog(async catalog => {
    const tenants: Tenant[] = []
    for (const { slug } of callers) tenants.push(await getTenant(catalog, slug))
    const looks = { counted: () => countedOf(catalog, tenants), waiting: () => backlog.waiting() }
    const gatheredMs = Math.max(LEAST_QUIET_MS, place.config.analyticsDelayS * 1000)
    return settled(looks, wanted, { gatheredMs, stuckMs: STUCK_MS + gatheredMs }, signal)
  })
}

/** As `untilCounted`. After the last that was wanted is there, what would come twice has the time to come that it takes to be gathered. */
export async function settled(
  looks: CountedLooks,
  wanted: ReadonlyMap<number, number>,
  { gatheredMs, stuckMs }: { readonly gatheredMs: number; readonly stuckMs: number },
  signal: AbortSignal,
): Promise<Commitment> {
  const total = [...wanted.values()].reduce((sum, events) => sum + events, 0)
  const least = async () => {
    const all = [...(await looks.counted()).values()]
    return Math.min(...(['minutes', 'days'] as const).map(sum => all.reduce((events, one) => events + one[sum], 0)))
  }
  let [seen, at] = [-1, performance.now()]
  while (seen < total && performance.now() - at <= stuckMs) {
    if (seen >= 0) await pause(LOOK_EVERY_MS, undefined, { signal })
    const sum = await least()
    if (sum !== seen) at = performance.now()
    seen = sum
  }
  const deadline = performance.now() + stuckMs
  let waiting = await looks.waiting()
  while (waiting > 0 && performance.now() < deadline) {
    await pause(LOOK_EVERY_MS, undefined, { signal })
    waiting = await looks.waiting()
  }
  await pause(gatheredMs, undefined, { signal })
  return { counted: await looks.counted(), at, waiting: await looks.waiting() }
}

/** Why the tables do not hold what was acknowledged, to the event; nothing when they do. */
export function lossesIn(
  wanted: ReadonlyMap<number, number>,
  { counted, waiting }: Pick<Commitment, 'counted' | 'waiting'>,
): string[] {
  const losses = [...wanted].flatMap(([tenant, events]) => {
    const { minutes, days } = counted.get(tenant) ?? { minutes: 0, days: 0 }
    return minutes === events && days === events
      ? []
      : [`tenant ${tenant}: ${events} acknowledged, ${minutes} per minute, ${days} per day`]
  })
  const [first] = losses
  return [
    ...(first === undefined ? [] : [`events of ${losses.length} tenants are not counted once: ${first}`]),
    ...(waiting === 0 ? [] : [`batches that nobody counts: ${waiting}`]),
  ]
}

/** Events that were acknowledged and are not in the tables, or are there twice. */
export function lostEvents(wanted: ReadonlyMap<number, number>, counted: ReadonlyMap<number, Counted>): number {
  let lost = 0
  for (const [tenant, events] of wanted) {
    const { minutes, days } = counted.get(tenant) ?? { minutes: 0, days: 0 }
    lost += Math.max(Math.abs(events - minutes), Math.abs(events - days))
  }
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
