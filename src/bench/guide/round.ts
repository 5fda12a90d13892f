import { eventsOverHttp } from '../analytics/bench.js'
import { choosePlace } from '../api/bench.js'
import type { Caller } from '../api/population.js'
import type { RateSearch } from '../rate/search.js'
import { peopled } from './asking.js'
import { type Attempt, attempt } from './attempt.js'
import { type CachingRound, measureCaching } from './caching.js'
import { CLAIMS, type ClaimName } from './claims.js'
import { type EagerRound, measureEager } from './eager.js'
import { claimS } from './estimate.js'
import { type FleetLook, measureFleet } from './fleet.js'
import { carriedBy, EVENTS } from './load.js'
import type { UsersLook } from './most-users.js'
import type { GuideParts } from './parts.js'
import { measureRequests } from './requests.js'
import { measureSingleEvents } from './single-events.js'
import { measureSlowSync, type SlowSyncRound } from './slow-sync.js'
import { measureUsers } from './users.js'

/** Events that were written, and counted. */
export interface EventsPart {
  readonly singlePerS: number
  readonly batchedPerS: number
  /** From the first that was sent to the last that was counted, seconds. */
  readonly wallS: number
  readonly faults: readonly string[]
}

/** One repetition; null for what was not asked for. Those of a phase are in the order of the phases. */
export interface GuideRound {
  readonly eager: Attempt<EagerRound> | null
  readonly caching: Attempt<CachingRound> | null
  readonly users: readonly Attempt<UsersLook>[] | null
  /** Of all phases. */
  readonly requests: Attempt<RateSearch> | null
  readonly events: Attempt<EventsPart> | null
  readonly tenants: readonly Attempt<FleetLook>[] | null
  readonly sync: Attempt<SlowSyncRound> | null
}

/** Measures one claim after another, each in places of its own: one that fails leaves the others. @throws the signal's reason */
export async function runRound(parts: GuideParts): Promise<GuideRound> {
  const { phases } = parts.load
  const one = <Part>(claim: ClaimName, deed: () => Promise<Part>) => claimed(parts, claim, deed)
  const each = async <Part>(claim: ClaimName, deed: () => Promise<Attempt<Part>[]>) => {
    const all = await one(claim, deed)
    if (all === null) return null
    return all.why === null ? all.part : phases.map(() => all)
  }
  return {
    eager: await one('eager', () => eager(parts)),
    caching: await one('caching', () => caching(parts)),
    users: await each('users', () => measureUsers(parts, phases)),
    requests: await one('requests', () => measureRequests(parts)),
    events: await one('events', () => events(parts)),
    tenants: await each('tenants', () =>
      measureFleet(
        parts,
        phases.map(phase => carriedBy(phase).tenants),
      ),
    ),
    sync: await one('sync', () => measureSlowSync(parts)),
  }
}

/** Null for a claim that is not asked for. */
export async function claimed<Part>(
  parts: GuideParts,
  claim: ClaimName,
  deed: () => Promise<Part>,
): Promise<Attempt<Part> | null> {
  const { load, watcher, signal, onBug } = parts
  const at = load.claims.indexOf(claim)
  if (at === -1) return null
  const seconds = Math.round(claimS(load, claim))
  watcher.note(`${at + 1} of ${load.claims.length}: ${CLAIMS[claim].what}, about ${seconds} s`)
  const result = await attempt(deed, signal, onBug)
  if (result.why !== null) watcher.note(`${CLAIMS[claim].what} could not be measured: ${result.why}`)
  return result
}

async function eager(parts: GuideParts): Promise<EagerRound> {
  await using place = await choosePlace(parts)
  return await measureEager(place, first(await peopled(place, 1, parts.signal)))
}

async function caching(parts: GuideParts): Promise<CachingRound> {
  const { load, signal } = parts
  await using place = await choosePlace(parts)
  return await measureCaching(place, await peopled(place, load.tenants, signal), load, signal)
}

async function events(parts: GuideParts): Promise<EventsPart> {
  const { load, signal } = parts
  const singlePerS = await singly(parts)
  const operator = { ...parts.operator, analyticsDelayS: EVENTS.gatheringS }
  const duration = load.duration * EVENTS.longer
  const sending = { tenants: EVENTS.tenants, eventsPerS: null, duration, workers: 1, processes: 1, repeat: 1 }
  const over = await eventsOverHttp({ ...parts, operator, signal, load: { ...sending, from: 'http' } })
  return { singlePerS, batchedPerS: over.committedPerS, wallS: over.wallMs / 1000, faults: over.faults }
}

async function singly(parts: GuideParts): Promise<number> {
  const { load, watcher, signal } = parts
  watcher.note('events one by one')
  await using place = await choosePlace(parts)
  const callers = await peopled(place, EVENTS.tenants, signal)
  return await measureSingleEvents(place, callers, load.duration * 1000, signal)
}

function first([caller]: readonly Caller[]): Caller {
  if (caller === undefined) throw new Error('no tenants')
  return caller
}
