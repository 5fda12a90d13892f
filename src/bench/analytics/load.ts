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
/** Of a file, or of the raw rows beside it, where no rate says how many. */
export const RATE_OF_FILES = 100_000
export const MOST_EVENTS_IN_FILE = 6_000_000

/** What is promised on a machine of two cores that also runs the generators, Redis and the database. */
export const TARGETS = {
  committedPerS: 100_000,
  /** For so long at least; a shorter run promises nothing. */
  durationS: 60,
} as const

export const FEEDS_PER_TENANT = 3
export const POSTS_PER_FEED = 30

/** Events of a file, or raw rows beside it: as many as would be sent meanwhile. */
export function fileEventsOf({ eventsPerS, duration }: Pick<AnalyticsLoad, 'eventsPerS' | 'duration'>): number {
  return Math.min(MOST_EVENTS_IN_FILE, (eventsPerS ?? RATE_OF_FILES) * duration)
}
