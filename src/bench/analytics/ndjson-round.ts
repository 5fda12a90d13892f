import { LoadProcess, saturation } from '../api/load-process.js'
import { FeedctlChild, failureOf } from '../sync/child.js'
import { Workers } from '../sync/workers.js'
import { Accounts } from './accounts.js'
import { watchBacklog } from './backlog-watch.js'
import { lossesIn, lostEvents, untilCounted } from './counted.js'
import type { LinesOrder, LinesWritten } from './event-lines.js'
import { type EventsRound, type RoundParts, VISITORS } from './http-round.js'
import { FEEDS_PER_TENANT, POSTS_PER_FEED } from './load.js'

const STDOUT = 1

/** Lets `feedctl analytics ingest` read what a generator writes to it, and waits until all of it is counted. @throws {Failure} its own; the signal's reason */
export async function measureNdjson(parts: RoundParts): Promise<EventsRound> {
  const { place, callers, load, servers, signal } = parts
  await using workers = await Workers.start(place.config.queueConnection === 'redis' ? load.workers : 0, place, signal)
  await using generator = LoadProcess.start(signal, 'pipe')
  const backlog = await watchBacklog(place)
  const ingest = FeedctlChild.start(['analytics', 'ingest', '-', '--json', '--progress', 'none'], place, () => {}, generator.out)
  // Its reader is the other process alone: when that is gone, the generator is to notice.
  generator.out.destroy()
  const stop = () => void ingest.stop()
  signal.addEventListener('abort', stop, { once: true })
  const accounts = new Accounts([
    { name: 'ingest', pids: () => (ingest.alive ? [ingest.pid] : []) },
    { name: 'workers', pids: () => workers.pids },
    ...servers,
    { name: 'generator', pids: () => [generator.pid] },
  ])
  try {
    const begun = performance.now()
    const writing = generator.run<LinesWritten>('writeEventLines', orderFor(parts))
    // When nobody reads, why is better said by who should have.
    writing.catch(() => {})
    const end = await ingest.ended
    signal.throwIfAborted()
    if (end.exit !== 0) throw failureOf('analytics ingest', end)
    const { result, strain } = await writing
    const wanted = new Map(callers.map(({ id }) => [id, result.perTenant]))
    const commitment = await untilCounted(parts, wanted, backlog)
    const wallMs = Math.max(commitment.at, begun + end.wallMs) - begun
    const used = accounts.close().map(account => (account.name === 'ingest' ? { ...account, cpuS: end.usage.cpuS } : account))
    return {
      events: result.events,
      acceptedPerS: (result.events * 1000) / end.wallMs,
      committedPerS: (result.events * 1000) / wallMs,
      wallMs,
      lost: lostEvents(wanted, commitment.counted),
      http: null,
      strain,
      accounts: used,
      backlog: await backlog.close(),
      faults: [
        ...lossesIn(wanted, commitment),
        ...(load.eventsPerS === null ? saturation(strain) : []),
        ...(workers.lost > 0 ? [`workers lost: ${workers.lost}`] : []),
      ],
    }
  } finally {
    signal.removeEventListener('abort', stop)
    await ingest.stop()
    accounts.close()
    await backlog.close()
  }
}

function orderFor({ callers, load }: RoundParts): LinesOrder {
  return {
    descriptor: STDOUT,
    tenants: callers.map(({ slug }) => slug),
    eventsPerS: load.eventsPerS,
    durationMs: load.duration * 1000,
    posts: FEEDS_PER_TENANT * POSTS_PER_FEED,
    visitors: VISITORS,
  }
}
