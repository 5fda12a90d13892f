import type { Config, Environment } from '../../kernel/config.js'
import type { RemoteFeedServer } from '../feed-server/spawn.js'
import { type Evidence, faultsOfCold, faultsOfWarm } from './correctness.js'
import type { SyncLoad } from './load.js'
import { type Measured, measureSync, type PerProcess } from './phase.js'
import { Place } from './place.js'
import { countPosts, populate } from './population.js'
import type { Watcher } from './watcher.js'
import { Workers } from './workers.js'

/** Warm syncs per repetition: they are short, and a short time needs more than one look. */
const WARM_SYNCS = 3

/** One sync as it is reported. */
export interface SyncPhase {
  /** As the sync itself reports it. */
  readonly syncMs: number
  readonly wallMs: number
  /** Counted at the feed server, as are `notModified` and `bytes`. */
  readonly requests: number
  readonly notModified: number
  readonly bytes: number
  readonly posts: { readonly new: number; readonly updated: number }
  readonly cpuS: PerProcess
  readonly peakRssBytes: PerProcess
  /** Why it does not count; empty when it does. */
  readonly faults: readonly string[]
}

/** One repetition, in databases of its own. */
export interface SyncRound {
  readonly provisionMs: number
  readonly postsStored: number
  readonly cold: SyncPhase
  readonly warm: readonly SyncPhase[]
}

export interface RoundParts {
  readonly operator: Config
  readonly env: Environment
  readonly load: SyncLoad
  readonly server: RemoteFeedServer
  readonly keep: boolean
  readonly watcher: Watcher
  readonly signal: AbortSignal
}

/** Makes tenants, syncs them cold, then warm, and removes them, whatever happens. @throws the signal's reason, when all is removed */
export async function runRound(parts: RoundParts): Promise<SyncRound> {
  const { load, server, watcher, signal } = parts
  await using place = await Place.choose({
    ...parts,
    fetchPerHost: server.address.spread > 0 ? null : parts.operator.fetchConcurrency,
    note: line => watcher.note(line),
  })
  await place.prepare()
  const provisionMs = await provision(place, parts)
  await using workers = await Workers.start(load.workers, place, signal)
  const around = { place, tenants: load.tenants, server, workers, watcher, signal }
  const judge = async (measured: Measured, faultsOf: (load: SyncLoad, evidence: Evidence) => string[]) => {
    const postsStored = await countPosts(place)
    return { postsStored, phase: phaseOf(measured, faultsOf(load, { ...measured, postsStored, workersLost: workers.lost })) }
  }
  const { postsStored, phase: cold } = await judge(await measureSync('cold sync', [], around), faultsOfCold)
  const warm: SyncPhase[] = []
  while (warm.length < WARM_SYNCS) {
    warm.push((await judge(await measureSync('warm sync', ['--force'], around), faultsOfWarm)).phase)
  }
  return { provisionMs, postsStored, cold, warm }
}

/** How long it took, ms. */
async function provision(place: Place, { load, server, watcher, signal }: RoundParts): Promise<number> {
  const begun = performance.now()
  const progress = watcher.progress('create', 'tenants')
  progress.start(load.tenants)
  await populate(place, load, source => server.urlOf(source), { signal, progress: done => progress.update(done) })
  progress.stop()
  return Math.round(performance.now() - begun)
}

function phaseOf({ report, stats, wallMs, cpuS, peakRssBytes }: Measured, faults: string[]): SyncPhase {
  return {
    syncMs: report.duration_ms,
    wallMs: Math.round(wallMs),
    requests: stats.requests,
    notModified: stats.notModified,
    bytes: stats.bytes,
    posts: report.posts,
    cpuS,
    peakRssBytes,
    faults,
  }
}
