import { Failure } from '../../kernel/errors.js'
import type { PlacementKind } from '../../tenants/databases/index.js'
import { Random } from '../feed-server/random.js'

const SEED = 20

/** What a benchmark of sync makes and does. */
export interface SyncLoad {
  readonly tenants: number
  readonly feedsPerTenant: number
  /** Sources that the tenants' feeds are drawn from; each has at least one feed. */
  readonly distinct: number
  /** Posts per document. */
  readonly items: number
  /** Average length of a post's HTML. */
  readonly itemBytes: number
  /** Added by the feed server before each answer. */
  readonly latencyMs: number
  /** Processes that consume the queue; 0 when jobs run in the process of `sync`. */
  readonly workers: number
  /** Whole repetitions, each with databases of its own. */
  readonly repeat: number
  readonly placement: PlacementKind
}

export function feedsOf(load: Pick<SyncLoad, 'tenants' | 'feedsPerTenant'>): number {
  return load.tenants * load.feedsPerTenant
}

/** @throws {Failure} USAGE when the sources are too few for a tenant's feeds to differ, or too many for each to have a feed */
export function checkLoad(load: SyncLoad): void {
  const feeds = feedsOf(load)
  if (load.distinct >= load.feedsPerTenant && load.distinct <= feeds) return
  throw new Failure('USAGE', `--distinct ${load.distinct} is not from ${load.feedsPerTenant} to ${feeds}`, {
    hint: 'at least --feeds-per-tenant, at most --tenants x --feeds-per-tenant',
  })
}

/**
 * The sources of each tenant, numbered from 0: dealt from shuffled decks, so that no tenant has one twice, none is left out, and all
 * have nearly the same number of feeds. The same load is dealt the same way on every machine.
 */
export function dealSources(load: Pick<SyncLoad, 'tenants' | 'feedsPerTenant' | 'distinct'>): number[][] {
  const random = new Random(SEED)
  let deck: number[] = []
  return Array.from({ length: load.tenants }, () => {
    const hand = new Set<number>()
    while (hand.size < load.feedsPerTenant) {
      const at = deck.findLastIndex(source => !hand.has(source))
      if (at === -1) deck = [...shuffledSources(load.distinct, random), ...deck]
      else for (const source of deck.splice(at, 1)) hand.add(source)
    }
    return [...hand]
  })
}

function shuffledSources(count: number, random: Random): number[] {
  const sources = Array.from({ length: count }, (_, source) => source)
  for (let last = count - 1; last > 0; last--) {
    const other = random.below(last + 1)
    ;[sources[last], sources[other]] = [sources[other] ?? 0, sources[last] ?? 0]
  }
  return sources
}
