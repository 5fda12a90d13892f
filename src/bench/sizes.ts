import { PHASES, type Phase, type PhaseCapacity } from '../watch/phases.js'

/** Of all tenants of a phase, so many ask or send: more of them change nothing but how long it takes to make them. */
const MOST_CALLERS = 2_000
/** Most documents that the feed server makes for a sync. */
const SOURCES = { mvp: 1_000, growth: 2_000, scale: 4_000, enterprise: 20_000 } as const satisfies Record<Phase, number>
/** The guide: more tenants than this share tables. */
const MOST_DEDICATED = 1_000
const FILES_PER_TENANT = 30
const MOST_FILES = 100_000
const MOST_SMALL_TENANTS = 10_000

/** What `--phase` puts in place of a scenario's defaults, by the names of its flags. */
export interface Sizes {
  readonly api: { readonly tenants: number; readonly connections: number; readonly rate: number }
  /** It measures what each phase carries, one after another; a phase is which of them. */
  readonly guide: Record<never, never>
  readonly analytics: { readonly tenants: number }
  readonly sync: { readonly tenants: number; readonly placement: 'dedicated' | 'shared' }
  readonly tenants: { readonly dedicated: number; readonly shared: number }
  readonly queue: { readonly jobs: number; readonly tenants: number }
  readonly media: { readonly files: number }
}

export type Scenario = keyof Sizes

/** Sizes for what the guide's capacity table says that the phase carries. */
export function sizesOf<Name extends Scenario>(scenario: Name, phase: Phase): Sizes[Name] {
  return sizesFor(phase)[scenario]
}

/** Where a load, by the names of its flags, is less than what the phase carries; empty where it is as much. */
export function shortOf(scenario: Scenario, phase: Phase, load: object): string[] {
  const given = new Map<string, unknown>(Object.entries(load))
  return Object.entries(sizesOf(scenario, phase)).flatMap(([name, size]) => {
    const value = given.get(name)
    return typeof size === 'number' && typeof value === 'number' && value < size ? [`--${name} ${value} instead of ${size}`] : []
  })
}

export function capacityOf(phase: Phase): PhaseCapacity {
  // Every name of a phase has its row.
  return (PHASES.find(({ name }) => name === phase) as (typeof PHASES)[number]).carries
}

/** Sources of a sync of so many feeds: one for each, and of a phase no more than are made in a bearable time. */
export function sourcesOf(feeds: number, phase: Phase | null): number {
  return phase === null ? feeds : Math.min(feeds, SOURCES[phase])
}

function sizesFor(phase: Phase): Sizes {
  const { tenants, users, requestsPerS } = capacityOf(phase)
  const asking = { tenants: Math.min(tenants, MOST_CALLERS), connections: users, rate: requestsPerS }
  return {
    api: asking,
    guide: {},
    analytics: { tenants: asking.tenants },
    sync: { tenants, placement: tenants > MOST_DEDICATED ? 'shared' : 'dedicated' },
    tenants: { dedicated: Math.min(tenants, MOST_DEDICATED), shared: tenants },
    // One of the phase's tenants is the giant.
    queue: { jobs: tenants, tenants: Math.min(tenants - 1, MOST_SMALL_TENANTS) },
    media: { files: Math.min(tenants * FILES_PER_TENANT, MOST_FILES) },
  }
}
