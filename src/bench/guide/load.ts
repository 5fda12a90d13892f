import { PHASES, type Phase } from '../../watch/phases.js'
import type { ClaimName } from './claims.js'

/** What a benchmark of the guide's claims makes and does. */
export interface GuideLoad {
  /** Of which what is claimed is measured, in the guide's order. */
  readonly phases: readonly Phase[]
  readonly claims: readonly ClaimName[]
  /** Tenants whose readers ask with the cache and without. */
  readonly tenants: number
  /** Requests of that mix, with the cache and again without. */
  readonly requests: number
  /** Of the mix: one request in so many changes something of its tenant. */
  readonly writeEvery: number
  /** Tenants that are synced from publishers that answer slowly. */
  readonly syncTenants: number
  /** What 99 of 100 answers may take at most, where users or requests are counted, ms. */
  readonly goalMs: number
  /** How long each figure is measured, seconds; events are sent `EVENTS.longer` times as long. */
  readonly duration: number
  /** Whole rounds, each in databases of its own. */
  readonly repeat: number
}

export const FEEDS_PER_TENANT = 3
export const POSTS_PER_FEED = 30

/** Tenants whose users ask, and whose events are counted. `gatheringS`: how long events wait to be counted together: a short run would end in waiting. */
export const EVENTS = { tenants: 20, gatheringS: 1, longer: 6 } as const
export const USERS_TENANTS = 20

/** API processes: one, as long as one has a core of its own; connections by the ten thousand are held by two. */
export const API_PROCESSES = 1
export const HOLDING_PROCESSES = 2

/**
 * What takes the guide six seconds for a tenant: so many feeds, asked one after another, of publishers who take so long. `workers`: processes with one job
 * at a time, the guide's `queue:work`. `sample`: tenants that are synced one after another, from which all are reckoned.
 */
export const SLOW = { tenants: 1_000, feeds: 10, latencyMs: 600, items: 10, itemBytes: 1_500, workers: 10, sample: 5 } as const

/** What the guide says, but for its capacity table. */
export const TARGETS = {
  statementsSavedPercent: 80,
  latencyRatio: 5,
  eagerSavedPercent: 90,
  eventsRatio: 10,
  eventsPerS: 100_000,
  /** For less than a minute of events nothing is promised. */
  eventsS: 60,
  /** 5 minutes instead of 100. */
  slowSyncS: 300,
  slowSyncRatio: 20,
  /** Most that it may take until the syncs of all tenants of a phase are in the queue. */
  enqueueS: 10,
} as const

export function carriedBy(phase: Phase): (typeof PHASES)[number]['carries'] {
  const found = PHASES.find(({ name }) => name === phase)
  if (found === undefined) throw new Error(`no phase ${phase}`)
  return found.carries
}
