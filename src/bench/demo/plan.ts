import type { FailureCode } from '../../kernel/errors.js'
import type { FaultName } from '../feed-server/faults.js'
import { Random } from '../feed-server/random.js'
import { BROKEN, type BrokenName, HEALTHY_POSTS, HEALTHY_SOURCES, ODD, TENANTS } from './cast.js'

const SEED = 11
const LEAST_FEEDS = 6
const MOST_FEEDS = 12
/** Every other subscription goes to one of these, so that they are read by many. */
const POPULAR_SOURCES = 12

/** One URL of the feed server. */
export interface DemoSource {
  /** `number` of a feed, or the name of a fault. */
  readonly at: number | FaultName
  /** The code it has to fail with; null when it has to be read. */
  readonly expects: FailureCode | null
  /** Those that are read from its document. */
  readonly posts: number
  readonly hasValidators: boolean
}

export interface DemoPlan {
  readonly sources: readonly DemoSource[]
  /** For each tenant of the cast, positions in `sources`, without repetition. */
  readonly reading: readonly (readonly number[])[]
  /** Position of a healthy source with many readers, none of whom reads one that hangs. */
  readonly publishing: number
}

/** Who reads what: 6 to 12 feeds each, every source read by somebody. The same on every machine. */
export function planDemo(): DemoPlan {
  const sources = listSources()
  const random = new Random(SEED)
  const sizes = TENANTS.map((_, index) => LEAST_FEEDS + ((index * 5) % (MOST_FEEDS - LEAST_FEEDS + 1)))
  const reading = TENANTS.map(() => new Set<number>())
  for (const position of sources.keys()) reading[position % reading.length]?.add(position)
  for (const [index, feeds] of reading.entries()) {
    while (feeds.size < (sizes[index] ?? LEAST_FEEDS)) {
      feeds.add(random.below(random.below(2) === 0 ? POPULAR_SOURCES : HEALTHY_SOURCES))
    }
  }
  return { sources, reading: reading.map(feeds => [...feeds]), publishing: mostRead(sources, reading) }
}

/** What the tenant at this place of the cast reads. */
export function feedsOf(plan: DemoPlan, index: number): DemoSource[] {
  return (plan.reading[index] ?? []).flatMap(position => plan.sources[position] ?? [])
}

/** Positions in the cast of who reads the source. */
export function readersOf(plan: DemoPlan, position: number): number[] {
  return [...plan.reading.keys()].filter(index => plan.reading[index]?.includes(position))
}

function listSources(): DemoSource[] {
  return [
    ...Array.from({ length: HEALTHY_SOURCES }, (_, index) => ({
      at: index + 1,
      expects: null,
      posts: HEALTHY_POSTS,
      hasValidators: true,
    })),
    ...ODD.map(({ fault, ...source }) => ({ at: fault, expects: null, ...source })),
    ...(Object.keys(BROKEN) as BrokenName[]).map(fault => ({
      at: fault,
      expects: BROKEN[fault],
      posts: 0,
      hasValidators: false,
    })),
  ]
}

function mostRead(sources: readonly DemoSource[], reading: readonly ReadonlySet<number>[]): number {
  const hanging = sources.findIndex(source => source.at === 'hang')
  const readers = (position: number) => reading.filter(feeds => feeds.has(position))
  const candidates = [...sources.keys()].filter(
    position => typeof sources[position]?.at === 'number' && readers(position).every(feeds => !feeds.has(hanging)),
  )
  return candidates.reduce((best, position) => (readers(position).length > readers(best).length ? position : best))
}
