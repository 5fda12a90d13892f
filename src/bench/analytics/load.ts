/** What a benchmark of analytics makes and does. */
export interface AnalyticsLoad {
  readonly tenants: number
  /** Events per second that are to be sent; null: as many as are accepted. */
  readonly eventsPerS: number | null
  /** How long they are sent, seconds. */
  readonly duration: number
  readonly from: 'http' | 'ndjson' | 'both'
  /** Processes that count, where the queue is Redis. */
  readonly workers: number
  /** Processes of the API. */
  readonly processes: number
  /** Whole rounds, each in a place of its own. */
  readonly repeat: number
}

export const EVENTS_PER_BATCH = 1_000
/** Over which the generator sends its batches. */
export const CONNECTIONS = 16
/** Of raw rows, where no rate says how many. */
const RATE_OF_RAW_ROWS = 100_000
const MOST_RAW_ROWS = 6_000_000

/** What is promised on a machine of two cores that also runs the generators, Redis and the database. */
export const TARGETS = {
  committedPerS: 100_000,
  /** For so long at least, as it was measured; a shorter time promises nothing. */
  durationS: 60,
} as const

export const FEEDS_PER_TENANT = 3
export const POSTS_PER_FEED = 30

/** Rows that are written beside events: as many as would be sent meanwhile. */
export function rawRowsOf({ eventsPerS, duration }: Pick<AnalyticsLoad, 'eventsPerS' | 'duration'>): number {
  return Math.min(MOST_RAW_ROWS, (eventsPerS ?? RATE_OF_RAW_ROWS) * duration)
}
