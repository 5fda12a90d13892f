/** What a benchmark of the guide's claims makes and does. */
export interface GuideLoad {
  readonly tenants: number
  /** Requests of the mix, with the cache and again without. */
  readonly requests: number
  /** Of the mix: one request in so many changes something of its tenant. */
  readonly writeEvery: number
  /** How long events are sent, and written one by one, seconds. */
  readonly duration: number
  /** Whole rounds, each in databases of its own. */
  readonly repeat: number
}

export const FEEDS_PER_TENANT = 3
export const POSTS_PER_FEED = 30

/** What the guide says. */
export const TARGETS = {
  statementsSavedPercent: 80,
  latencyRatio: 5,
  eagerSavedPercent: 90,
  eventsRatio: 10,
} as const
