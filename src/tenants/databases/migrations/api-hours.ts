/** What a process of the API has served in an hour. */
export interface ApiHoursTable {
  /** When the hour began, epoch ms. */
  hour_at: number
  /** `thisProcess()` of the one that served. */
  process: string
  requests: number
  /** Requests of its busiest second. */
  peak_per_s: number
  /** Most connections that were open at once. */
  connections: number
  /** When it began and ended to serve in that hour, epoch ms, so far. */
  first_at: number
  last_at: number
}
