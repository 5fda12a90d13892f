import type { Config } from '../../kernel/config.js'
import type { RemoteFeedServer } from '../feed-server/spawn.js'
import { checkDrivers, startSources } from '../sync/bench.js'
import { faultsOfCold } from '../sync/correctness.js'
import { feedsOf, type SyncLoad } from '../sync/load.js'
import { measureSync } from '../sync/phase.js'
import { Place } from '../sync/place.js'
import { countPosts, populate } from '../sync/population.js'
import { Workers } from '../sync/workers.js'
import { SLOW } from './load.js'
import type { GuideParts } from './parts.js'

const ONE_AT_ONCE = ['--concurrency', '1']
/** Connections of a process that has one job at a time. */
const CONNECTIONS = 4

/** Seconds for all tenants: the first measured, the others reckoned from a few. */
export interface SlowSyncRound {
  readonly throughWorkersS: number
  /** One tenant after another, and one feed after another. */
  readonly feedByFeedS: number
  /** One tenant after another, the feeds of each as feedctl asks them: all at once. */
  readonly tenantByTenantS: number
  readonly faults: readonly string[]
}

/** How some tenants are synced. */
interface Way {
  readonly name: string
  readonly operator: Config
  readonly tenants: number
  readonly flags: readonly string[]
  readonly workers: number
}

interface Synced {
  readonly seconds: number
  readonly faults: readonly string[]
}

/**
 * Syncs tenants in databases of their own whose publishers take their time: a few one after another, then all of them by workers with one job at a time; where
 * jobs run in the process of `sync`, by that process, with as many tenants at once. Each feed has a source of its own, and nothing of it is known before.
 * @throws {Failure} CONFIG_INVALID, UNAVAILABLE, PARTIAL; the signal's reason
 */
export async function measureSlowSync(parts: GuideParts): Promise<SlowSyncRound> {
  const { operator, load, watcher, signal } = parts
  checkDrivers(operator)
  const all = load.syncTenants
  const sample = Math.min(SLOW.sample, all)
  await using server = await startSources(loadOf(all, 0), watcher, signal)
  const inTurn: Config = { ...operator, queueConnection: 'sync' }
  const few = { tenants: sample, flags: ONE_AT_ONCE, workers: 0 }
  const byFeed = await synced(parts, server, { name: 'feed by feed', operator: { ...inTurn, fetchConcurrency: 1 }, ...few })
  const byTenant = await synced(parts, server, { name: 'tenant by tenant', operator: inTurn, ...few })
  const through = await synced(parts, server, wayOfAll(operator, all))
  return {
    throughWorkersS: through.seconds,
    feedByFeedS: (byFeed.seconds / sample) * all,
    tenantByTenantS: (byTenant.seconds / sample) * all,
    faults: [...new Set([byFeed, byTenant, through].flatMap(({ faults }) => faults))],
  }
}

function wayOfAll(operator: Config, tenants: number): Way {
  const name = `${SLOW.workers} at once`
  if (operator.queueConnection === 'sync') {
    return { name, operator, tenants, flags: ['--concurrency', `${SLOW.workers}`], workers: 0 }
  }
  const dbPool = Math.min(operator.dbPool, CONNECTIONS)
  return { name, operator: { ...operator, dbPool }, tenants, flags: [], workers: SLOW.workers }
}

/** In a place of its own. */
async function synced(parts: GuideParts, server: RemoteFeedServer, way: Way): Promise<Synced> {
  const { env, watcher, signal } = parts
  const { name, operator, tenants } = way
  const load = loadOf(tenants, way.workers)
  const fetchPerHost = server.address.spread > 0 ? null : operator.fetchConcurrency
  const note = (line: string) => watcher.note(line)
  await using place = await Place.choose({ operator, env, fetchPerHost, keep: false, note })
  await place.prepare()
  const progress = watcher.progress('create', 'tenants')
  progress.start(tenants)
  await populate(place, load, source => server.urlOf(source), { signal, progress: done => progress.update(done) })
  progress.stop()
  watcher.note(`${tenants} tenants, ${name}`)
  await using workers = await Workers.start(way.workers, place, signal, ['--queue', 'sync', ...ONE_AT_ONCE])
  const measured = await measureSync(name, way.flags, { place, tenants, server, workers, watcher, signal })
  const evidence = { ...measured, postsStored: await countPosts(place), workersLost: workers.lost }
  return { seconds: measured.report.duration_ms / 1000, faults: faultsOfCold(load, evidence).map(fault => `${name}: ${fault}`) }
}

function loadOf(tenants: number, workers: number): SyncLoad {
  const { feeds: feedsPerTenant, latencyMs, items, itemBytes } = SLOW
  const distinct = feedsOf({ tenants, feedsPerTenant })
  return { tenants, feedsPerTenant, distinct, items, itemBytes, latencyMs, workers, repeat: 1, placement: 'dedicated' }
}
