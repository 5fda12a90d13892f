import type { Phase } from '../../watch/phases.js'
import type { RequestHeaders } from './headers.js'

/** What a benchmark of any HTTP API does. */
export interface UrlLoad {
  /** Of one server, asked in turn. */
  readonly urls: readonly string[]
  readonly headers: RequestHeaders
  /** Concurrent users, and connections that requests at a rate are spread over. */
  readonly connections: number
  /** Requests per second; null: at no fixed rate. */
  readonly rate: number | null
  /** What the guide's capacity table promises is judged by; null: nothing is promised. */
  readonly phase: Phase | null
  /** Of the p99. */
  readonly goalMs: number
  /** Whether the highest rate at that goal is searched. */
  readonly search: boolean
  /** How long each figure is measured, seconds. */
  readonly duration: number
  /** Whole rounds. */
  readonly repeat: number
}

/** Of users, when nobody says another: a server that is not known is not shouted at. */
export const URL_CONNECTIONS = 50
