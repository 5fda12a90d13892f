import { Gauge, type Registry } from 'prom-client'
import type { Backlog, EventLog } from '../analytics/log/driver.js'
import { Patience } from '../caches/index.js'
import type { Clock } from '../kernel/clock.js'
import { Kept } from '../watch/kept.js'

const KEPT_MS = 1_000
/** The page does not wait for a log that is away. */
const PATIENCE_MS = 500

/** Shows in the registry what waits to be counted. Every process sees the same: of several it is the most that one saw. While the log is away there are no figures. */
export function showBacklog(registry: Registry, events: () => Promise<EventLog>, now: Clock = Date.now): void {
  const kept = new Kept(() => backlogOf(events), KEPT_MS, now, 1)
  const gauge = (part: string, help: string, read: (backlog: Backlog) => number) => {
    const collect = async function (this: Gauge) {
      const backlog = await kept.get()
      if (backlog === null) this.remove()
      else this.set(read(backlog))
    }
    new Gauge({ name: `feedctl_analytics_backlog_${part}`, help, aggregator: 'max', registers: [registry], collect })
  }
  gauge('batches', 'Batches of events that wait to be counted.', ({ batches }) => batches)
  gauge('bytes', 'Bytes of the events that wait to be counted.', ({ bytes }) => bytes)
  gauge('oldest_seconds', 'How long the oldest events have waited to be counted; 0 when none wait.', ({ oldestAt }) =>
    oldestAt === null ? 0 : Math.max(0, now() - oldestAt) / 1000,
  )
}

async function backlogOf(events: () => Promise<EventLog>): Promise<Backlog | null> {
  const patience = new Patience({ patienceMs: PATIENCE_MS, awayMs: 0, what: 'the log of events' })
  return patience.ask(async () => (await events()).backlog()).catch(() => null)
}
