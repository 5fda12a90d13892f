import { sleep } from '../kernel/clock.js'
import { Failure } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId } from '../tenants/ids.js'
import { type SyncReport, sumReports } from './report.js'
import {
  closeRun,
  OUTAGE_PATIENCE,
  type Run,
  type RunProgress,
  runProgress,
  runReports,
  skipQueued,
  startRun,
  unendedTenants,
} from './runs.js'
import { type SendTenants, sendTenants } from './send-tenants.js'

const POLL_MS = 100
const PAGE = 1_000
const NO_WORKER_AFTER_MS = 5_000
/** Workers that lost the queue as well come back by themselves, on a busy machine not at once. */
const NO_WORKER_AFTER_OUTAGE_MS = 30_000
const ASK_FOR_WORKERS_MS = 1_000
/** Workers that consume and get nothing done: their logs say why, the run never ends by itself. */
const STUCK_MS = 30 * 60_000
const ENQUEUE_AGAIN_MS = 15_000
const OTHERS_PATIENCE_MS = 30_000
const PAUSED_NAMED = 20

/** How a run's jobs reach those who do them: the queue driver, seen from here. */
export interface JobSender {
  /** Whether this process runs the jobs. */
  readonly here: boolean
  readonly send: SendTenants
  consumers(): Promise<number>
  /** Resolves when jobs run by this process are done; never, where others run them. */
  settled(): Promise<void>
}

export interface SyncOptions {
  readonly tenants: readonly TenantId[] | 'all'
  readonly forced: boolean
  readonly signal: AbortSignal
  readonly progress: (ended: number, total: number, failed: number) => void
}

/** Begins a run and enqueues its tenants, without waiting for them. */
export async function enqueueRun(
  catalog: Catalog,
  jobs: JobSender,
  tenants: readonly TenantId[] | 'all',
  forced: boolean,
): Promise<{ run: Run; added: number; existing: number }> {
  const run = await startRun(catalog, tenants, { forced })
  return { run, ...(await retry(() => enqueueUnended(catalog, jobs, run), BRIEFLY)) }
}

/**
 * Begins a run, follows it to its end and sums it up. On a stop the report says what was done so far: jobs of this process end
 * what they have begun, jobs of others go on.
 * @throws {Failure} NO_WORKER when nobody consumes the queue (the jobs stay), UNAVAILABLE when the catalog stays away
 */
export async function syncTenants(catalog: Catalog, jobs: JobSender, options: SyncOptions, log: Log): Promise<SyncReport> {
  const begun = performance.now()
  const { run } = await enqueueRun(catalog, jobs, options.tenants, options.forced)
  for (const slug of run.paused.slice(0, PAUSED_NAMED)) {
    log.warn(`tenant ${slug} is paused: skipped`, { hint: `feedctl queue resume --tenant ${slug}` })
  }
  await (jobs.here ? followHere(catalog, jobs, run, options) : followOthers(catalog, jobs, run, options, log))
  if (jobs.here || !options.signal.aborted) await retry(() => closeRun(catalog, run.runId), OUTAGE_PATIENCE)
  const durationMs = Math.round(performance.now() - begun)
  const unreached = options.signal.aborted ? 'skipped' : 'failed'
  return retry(() => sumReports(run.runId, runReports(catalog, run.runId), { durationMs, unreached }), OUTAGE_PATIENCE)
}

async function enqueueUnended(catalog: Catalog, jobs: JobSender, run: Run): Promise<{ added: number; existing: number }> {
  const total = { added: 0, existing: 0 }
  for (let after = 0; ; ) {
    const tenants = await unendedTenants(catalog, run.runId, after, PAGE)
    const last = tenants.at(-1)
    if (last === undefined) return total
    const { added, existing } = await sendTenants(catalog, jobs.send, tenants)
    total.added += added
    total.existing += existing
    after = last
  }
}

/** Jobs of this process: a stop is theirs to heed, and they are done when they have settled. */
async function followHere(catalog: Catalog, jobs: JobSender, run: Run, options: SyncOptions): Promise<void> {
  let done = false
  const settled = jobs.settled().finally(() => {
    done = true
  })
  while (!done) {
    await Promise.race([settled, sleep(POLL_MS)])
    await report(catalog, run, options)
  }
  if (options.signal.aborted) await retry(() => skipQueued(catalog, run.runId), OUTAGE_PATIENCE)
  else await followTakenOver(catalog, run, options)
}

/** Waits, for a while, for tenants that a job of another process has taken over. */
async function followTakenOver(catalog: Catalog, run: Run, options: SyncOptions): Promise<void> {
  const end = Date.now() + OTHERS_PATIENCE_MS
  while ((await report(catalog, run, options)).running > 0 && !options.signal.aborted && Date.now() < end) {
    await sleep(POLL_MS, options.signal).catch(() => {})
  }
}

/** Jobs of other processes: a stop ends the watching, not the jobs. */
async function followOthers(catalog: Catalog, jobs: JobSender, run: Run, options: SyncOptions, log: Log): Promise<void> {
  const workers = new WorkerWatch(jobs)
  let steps = -1
  let movedAt = Date.now()
  let sentAt = movedAt
  while (!options.signal.aborted) {
    const progress = await report(catalog, run, options)
    if (progress.ended === progress.total) return
    const now = Date.now()
    if (progress.steps !== steps) {
      ;[steps, movedAt, sentAt] = [progress.steps, now, now]
      workers.areThere()
    }
    if (now - movedAt > ASK_FOR_WORKERS_MS && (await workers.areGone())) {
      const left = progress.total - progress.ended
      throw new Failure('NO_WORKER', `no worker consumes the queue: ${left} of ${progress.total} tenants stay queued`, {
        hint: 'feedctl queue work',
      })
    }
    if (now - movedAt > STUCK_MS) {
      const left = progress.total - progress.ended
      throw new Failure('UNAVAILABLE', `nothing has moved for half an hour: ${left} of ${progress.total} tenants are not done`, {
        hint: "look at the workers' logs; the jobs stay queued",
      })
    }
    if (now - sentAt > ENQUEUE_AGAIN_MS) {
      log.info('nothing has moved for a while: what has not ended is enqueued again', { run: run.runId })
      await retry(() => enqueueUnended(catalog, jobs, run), OUTAGE_PATIENCE)
      sentAt = now
    }
    await sleep(POLL_MS, options.signal).catch(() => {})
  }
}

/** Whether anybody consumes the queue. Workers that have just lost their connection are given time to come back. */
class WorkerWatch {
  private askedAt = 0
  private noneSince: number | null = null
  private patienceMs = NO_WORKER_AFTER_MS

  constructor(private readonly jobs: JobSender) {}

  /** Something moved: whoever did it consumes. */
  areThere(): void {
    this.noneSince = null
    this.patienceMs = NO_WORKER_AFTER_MS
  }

  /** True when nobody has consumed for 5 s, or 30 after the queue was away. */
  async areGone(): Promise<boolean> {
    if (Date.now() - this.askedAt < ASK_FOR_WORKERS_MS) return false
    const consumers = await retry(attempt => {
      if (attempt > 1) {
        this.noneSince = null
        this.patienceMs = NO_WORKER_AFTER_OUTAGE_MS
      }
      return this.jobs.consumers()
    }, OUTAGE_PATIENCE)
    this.askedAt = Date.now()
    if (consumers > 0) this.patienceMs = NO_WORKER_AFTER_MS
    this.noneSince = consumers > 0 ? null : (this.noneSince ?? this.askedAt)
    return this.noneSince !== null && this.askedAt - this.noneSince >= this.patienceMs
  }
}

async function report(catalog: Catalog, run: Run, options: SyncOptions): Promise<RunProgress> {
  const progress = await retry(() => runProgress(catalog, run.runId), OUTAGE_PATIENCE)
  options.progress(progress.ended, progress.total, progress.failed)
  return progress
}
