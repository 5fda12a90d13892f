import { type App, openApp } from '../../app.js'
import { sumReports } from '../../feeds/report.js'
import { runProgress, runReports } from '../../feeds/runs.js'
import { enqueueRun } from '../../feeds/sync.js'
import { sleep } from '../../kernel/clock.js'
import { Failure } from '../../kernel/errors.js'
import { Log } from '../../kernel/log.js'
import type { TenantId } from '../../tenants/ids.js'
import type { Place } from '../sync/place.js'
import type { Watcher } from '../sync/watcher.js'
import { Workers } from '../sync/workers.js'
import type { QueueLoad } from './load.js'
import { populate } from './population.js'

const POLL_MS = 50
/** Workers that get nothing done for so long will not. */
const STUCK_MS = 60_000

/** How long each of the small tenants waited from the beginning of the run until it was done, ms, in rising order. */
export interface Fairness {
  readonly alone: readonly number[]
  readonly besideGiant: readonly number[]
  /** Until the giant was done, ms. */
  readonly giantMs: number
  /** Why it does not count; empty when it does. */
  readonly faults: readonly string[]
}

interface Ended {
  readonly waits: ReadonlyMap<number, number>
  readonly faults: readonly string[]
}

export interface FairnessParts {
  readonly place: Place
  readonly load: QueueLoad
  readonly urlOf: (source: number) => string
  readonly watcher: Watcher
  readonly signal: AbortSignal
}

/**
 * Syncs small tenants for the first time by worker processes, then as many others behind a giant, whose job stands before theirs.
 * @throws {Failure} UNAVAILABLE; the signal's reason
 */
export async function measureFairness(parts: FairnessParts): Promise<Fairness> {
  const { place, load, watcher, signal } = parts
  await place.prepare()
  await using app = await openApp(place.config, new Log(line => watcher.note(line), 'error'))
  const { giant, warmUp, first, second } = await populate(app.catalog, place.config, load, parts)
  await using workers = await Workers.start(load.workers, place, signal)
  // What a process does for the first time takes longer, with a giant or without.
  await synced(app, warmUp, 'warm up', load.feedsPerTenant * warmUp.length, parts)
  const alone = await synced(app, first, 'without giant', load.feedsPerTenant * first.length, parts)
  const feeds = load.feedsPerTenant * second.length + load.giantFeeds
  const beside = await synced(app, [giant, ...second], 'with giant', feeds, parts)
  const giantMs = beside.waits.get(giant) ?? 0
  const besideGiant = risingWaits(second, beside)
  const lost = workers.lost === 0 ? [] : [`workers lost: ${workers.lost} instead of 0`]
  const isLast = (besideGiant.at(-1) ?? 0) <= giantMs ? [] : ['a small tenant was done after the giant']
  return {
    alone: risingWaits(first, alone),
    besideGiant,
    giantMs,
    faults: [...alone.faults, ...beside.faults, ...lost, ...isLast],
  }
}

function risingWaits(tenants: readonly TenantId[], { waits }: Ended): number[] {
  return tenants.map(id => waits.get(id) ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
}

/** Syncs these tenants, the one with the lowest id first in the queue. */
async function synced(
  app: App,
  tenants: readonly TenantId[],
  name: string,
  feeds: number,
  { watcher, signal }: Pick<FairnessParts, 'watcher' | 'signal'>,
): Promise<Ended> {
  const { catalog } = app
  const { run } = await enqueueRun(catalog, await app.jobs(signal), tenants, false)
  const progress = watcher.progress(name, 'tenants')
  progress.start(tenants.length)
  let [steps, movedAt] = [-1, Date.now()]
  for (;;) {
    const now = await runProgress(catalog, run.runId)
    progress.update(now.ended)
    if (now.ended === now.total) break
    if (now.steps !== steps) [steps, movedAt] = [now.steps, Date.now()]
    if (Date.now() - movedAt > STUCK_MS)
      throw new Failure('UNAVAILABLE', `the workers get nothing done: ${now.ended} tenants of ${now.total}`)
    await sleep(POLL_MS, signal)
  }
  progress.stop()
  const rows = await catalog.kysely
    .selectFrom('run_tenants')
    .select(['tenant_id', 'finished_at'])
    .where('run_id', '=', run.runId)
    .execute()
  const report = await sumReports(run.runId, runReports(catalog, run.runId), { durationMs: 0, unreached: 'failed' })
  const found = { tenants: report.tenants.ok, feeds: report.feeds.newVersion }
  const isWhole = found.tenants === tenants.length && found.feeds === feeds
  return {
    waits: new Map(rows.map(row => [row.tenant_id, (row.finished_at ?? 0) - run.startedAt])),
    faults: isWhole
      ? []
      : [`${name}: ${found.tenants} tenants and ${found.feeds} feeds instead of ${tenants.length} and ${feeds}`],
  }
}
