/** What a benchmark of the queue makes and does. */
export interface QueueLoad {
  /** Jobs that do nothing. */
  readonly jobs: number
  /** Tenants that wait beside a giant, each with `feedsPerTenant` feeds. */
  readonly tenants: number
  readonly feedsPerTenant: number
  readonly giantFeeds: number
  /** Processes that consume the queue. */
  readonly workers: number
  /** Whole repetitions, each in a place of its own. */
  readonly repeat: number
}

/** Most that passes; promised for a load of at most this shape, on a machine of two cores that also runs Redis, the feed server and the databases. */
export const TARGETS = { jobs: 50_000, enqueueS: 5, statusP95Ms: 200, giantFeeds: 5_000, waitRatio: 2 } as const
