import { type Done, type LoadProcess, type Strain, saturation } from '../api/load-process.js'
import type { Caller } from '../api/population.js'
import { Service } from '../api/service.js'
import type { Place } from '../sync/place.js'
import { Workers } from '../sync/workers.js'
import { type Account, Accounts, type Party } from './accounts.js'
import { type BacklogPeak, watchBacklog } from './backlog-watch.js'
import { lossesIn, lostEvents, untilCounted } from './counted.js'
import { type AnalyticsLoad, CONNECTIONS, FEEDS_PER_TENANT, POSTS_PER_FEED } from './load.js'
import type { SendOrder, Sent } from './send-events.js'

export const VISITORS = 1_000_000

/** Events that were taken in and counted. */
export interface EventsRound {
  readonly events: number
  /** Until the last was acknowledged. */
  readonly acceptedPerS: number
  /** Until the last row was committed. */
  readonly committedPerS: number
  /** From the first event to that commit. */
  readonly wallMs: number
  /** Events that were acknowledged and are not counted once. */
  readonly lost: number
  /** Null where events do not come over HTTP. */
  readonly http: {
    readonly putOff: number
    readonly batchP50Ms: number | null
    readonly batchP99Ms: number | null
  } | null
  /** How busy the generator was. */
  readonly strain: Strain
  readonly backlog: BacklogPeak
  readonly accounts: readonly Account[]
  readonly faults: readonly string[]
}

export interface RoundParts {
  readonly place: Place
  readonly callers: readonly Caller[]
  readonly load: AnalyticsLoad
  readonly servers: readonly Party[]
  readonly signal: AbortSignal
}

/** Posts batches to a real API, and waits until all of them are counted. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureHttp(parts: RoundParts, generator: LoadProcess): Promise<EventsRound> {
  const { place, load, servers, signal } = parts
  await using workers = await Workers.start(place.config.queueConnection === 'redis' ? load.workers : 0, place, signal)
  await using service = await Service.start(place, load.processes, signal)
  const backlog = await watchBacklog(place)
  const accounts = new Accounts([
    { name: 'api', pids: () => service.pids() },
    { name: 'workers', pids: () => workers.pids },
    ...servers,
    { name: 'generator', pids: () => [generator.pid] },
  ])
  try {
    const begun = performance.now()
    const done = await generator.run<Sent>('sendEvents', orderFor(parts, service))
    const wanted = new Map(Object.entries(done.result.acknowledged).map(([tenant, events]) => [Number(tenant), events]))
    const commitment = await untilCounted(parts, wanted, backlog)
    const wallMs = commitment.at - begun
    return {
      events: done.result.events,
      acceptedPerS: (done.result.events * 1000) / done.result.wallMs,
      committedPerS: (done.result.events * 1000) / wallMs,
      wallMs,
      lost: lostEvents(wanted, commitment.counted),
      http: {
        putOff: done.result.putOff,
        batchP50Ms: done.result.latency.p50Ms,
        batchP99Ms: done.result.latency.p99Ms,
      },
      strain: done.strain,
      accounts: accounts.close(),
      backlog: await backlog.close(),
      faults: [
        ...faultsOf(done, load),
        ...lossesIn(wanted, commitment),
        ...(workers.lost > 0 ? [`workers lost: ${workers.lost}`] : []),
      ],
    }
  } finally {
    accounts.close()
    await backlog.close()
  }
}

function orderFor({ callers, load }: RoundParts, { target }: Service): SendOrder {
  return {
    target,
    tenants: callers.map(({ id, token }) => ({ id, token })),
    connections: CONNECTIONS,
    eventsPerS: load.eventsPerS,
    durationMs: load.duration * 1000,
    posts: FEEDS_PER_TENANT * POSTS_PER_FEED,
    visitors: VISITORS,
    seed: 1,
  }
}

/** What was refused to be late is no fault; what was never accepted, or answered with anything else, is. */
function faultsOf({ result, strain }: Done<Sent>, { eventsPerS }: AnalyticsLoad): string[] {
  const faults = result.given > 0 ? [`batches that were never accepted: ${result.given}`] : []
  if (result.events === 0) faults.push('no event was accepted')
  // At a rate, a busy generator that keeps it has done its part.
  return [...faults, ...result.complaints, ...(eventsPerS === null ? saturation(strain) : [])]
}
