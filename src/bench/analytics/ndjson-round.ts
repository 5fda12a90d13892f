import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FeedctlChild, failureOf } from '../sync/child.js'
import { Workers } from '../sync/workers.js'
import { Accounts } from './accounts.js'
import { watchBacklog } from './backlog-watch.js'
import { lossesIn, lostEvents, untilCounted } from './counted.js'
import { writeEventLines } from './event-file.js'
import { type EventsRound, type RoundParts, VISITORS } from './http-round.js'
import { FEEDS_PER_TENANT, fileEventsOf, POSTS_PER_FEED } from './load.js'

/** Lets `feedctl analytics ingest` read a file of events, and waits until all of them are counted. @throws {Failure} its own; the signal's reason */
export async function measureNdjson({ place, callers, load, servers, signal }: RoundParts): Promise<EventsRound> {
  const path = join(place.folder, 'events.ndjson')
  const shape = { events: fileEventsOf(load), posts: FEEDS_PER_TENANT * POSTS_PER_FEED, visitors: VISITORS }
  const wanted = await writeEventLines(path, callers, shape, signal)
  await using workers = await Workers.start(place.config.queueConnection === 'redis' ? load.workers : 0, place, signal)
  const backlog = await watchBacklog(place)
  const ingest = FeedctlChild.start(['analytics', 'ingest', path, '--json', '--progress', 'none'], place, () => {})
  const stop = () => void ingest.stop()
  signal.addEventListener('abort', stop, { once: true })
  const accounts = new Accounts([
    { name: 'ingest', pids: () => (ingest.alive ? [ingest.pid] : []) },
    { name: 'workers', pids: () => workers.pids },
    ...servers,
  ])
  try {
    const begun = performance.now()
    const end = await ingest.ended
    signal.throwIfAborted()
    if (end.exit !== 0) throw failureOf('analytics ingest', end)
    const { counted, at } = await untilCounted(place, callers, wanted, signal, place.config.analyticsDelayS * 1000)
    const used = accounts.close().map(account => (account.name === 'ingest' ? { ...account, cpuS: end.usage.cpuS } : account))
    return {
      events: shape.events,
      acceptedPerS: (shape.events * 1000) / end.wallMs,
      committedPerS: (shape.events * 1000) / (Math.max(at, begun + end.wallMs) - begun),
      lost: lostEvents(wanted, counted),
      http: null,
      accounts: used,
      backlog: await backlog.close(),
      faults: [...lossesIn(wanted, counted), ...(workers.lost > 0 ? [`workers lost: ${workers.lost}`] : [])],
    }
  } finally {
    signal.removeEventListener('abort', stop)
    await ingest.stop()
    accounts.close()
    await backlog.close()
    await rm(path, { force: true })
  }
}
