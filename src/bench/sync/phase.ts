import type { FeedServerStats } from '../feed-server/tally.js'
import { FeedctlChild, failureOf } from './child.js'
import type { Place } from './place.js'
import { type PrintedReport, readReport } from './report.js'
import { cpuBetween, greatest, type Usage, usageOf } from './usage.js'
import type { Watcher } from './watcher.js'
import type { Workers } from './workers.js'

/** One figure per kind of process; null where it cannot be known. */
export interface PerProcess {
  readonly sync: number | null
  /** Of all workers together, or of the greatest of them; null when there are none. */
  readonly workers: number | null
  readonly feedServer: number | null
}

/** One `feedctl sync --all`, measured. */
export interface Measured {
  readonly report: PrintedReport
  readonly stats: FeedServerStats
  /** From the spawning of the process to its end. */
  readonly wallMs: number
  readonly cpuS: PerProcess
  /** Peaks since each process started. */
  readonly peakRssBytes: PerProcess
}

/** What is measured beside the sync itself. */
export interface Surroundings {
  readonly place: Place
  readonly tenants: number
  readonly server: { readonly pid: number; stats(): Promise<FeedServerStats>; resetStats(): Promise<void> }
  readonly workers: Workers
  readonly watcher: Watcher
  readonly signal: AbortSignal
}

/** Runs one sync of all tenants. @throws {Failure} the sync's own, when it printed no report; the signal's reason */
export async function measureSync(name: string, flags: readonly string[], around: Surroundings): Promise<Measured> {
  const { server, workers } = around
  await server.resetStats()
  const before = { workers: workers.usages(), server: usageOf(server.pid) }
  const end = await follow(name, flags, around)
  const after = { workers: workers.usages(), server: usageOf(server.pid) }
  const report = readReport(end.out)
  if (report === null) throw failureOf(`the ${name}`, end)
  const hasWorkers = after.workers.length > 0
  return {
    report,
    stats: await server.stats(),
    wallMs: end.wallMs,
    cpuS: {
      sync: end.usage.cpuS,
      workers: hasWorkers ? cpuBetween(before.workers, after.workers) : null,
      feedServer: cpuBetween([before.server], [after.server]),
    },
    peakRssBytes: {
      sync: end.usage.peakRssBytes,
      workers: greatest(after.workers.map((usage: Usage) => usage.peakRssBytes)),
      feedServer: after.server.peakRssBytes,
    },
  }
}

async function follow(name: string, flags: readonly string[], { place, tenants, watcher, signal }: Surroundings) {
  signal.throwIfAborted()
  const progress = watcher.progress(name, 'tenants')
  progress.start(tenants)
  const child = FeedctlChild.start(['sync', '--all', '--json', '--progress', 'json', ...flags], place, line => {
    const done = doneIn(line)
    if (done !== null) progress.update(done)
  })
  const stop = () => void child.stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const end = await child.ended
    signal.throwIfAborted()
    return end
  } finally {
    signal.removeEventListener('abort', stop)
    progress.stop()
  }
}

/** Tenants that are done, in a line of `--progress json`; null in any other. */
function doneIn(line: string): number | null {
  return line.startsWith('{"progress":') ? (JSON.parse(line) as { done: number }).done : null
}
