import type { Phase } from '../../watch/phases.js'

/** What a benchmark of the API makes and does. */
export interface ApiLoad {
  readonly tenants: number
  /** Concurrent users; or, from `HELD_FROM` on, connections that are held open and asked in turns. */
  readonly connections: number
  /** Requests per second of the open loop. */
  readonly rate: number
  /** Processes of the API. */
  readonly workers: number
  /** Whether several processes behind nginx are measured beside one. */
  readonly nginx: boolean
  /** What the guide's capacity table promises is judged by; null: only what is promised anyway. */
  readonly phase: Phase | null
  /** Of the p99 of many users, and of requests at a rate. */
  readonly goalMs: number
  /** Whether the highest rate at that goal is searched. */
  readonly search: boolean
  /** Whether more and more processes are measured beside each other. */
  readonly scaling: boolean
  /** How long each figure is measured, seconds. */
  readonly duration: number
  /** Whole rounds. */
  readonly repeat: number
}

/** Of the p99, when nobody says another. */
export const GOAL_MS = 150

/** As many cannot all be in a hurry on one machine: they are held. */
export const HELD_FROM = 5_000

/** Connections of the load that finds out how much can be answered. */
export const BUSY_CONNECTIONS = 50

/** What is promised on a machine of two cores that also runs the generators and the databases. */
export const TARGETS = {
  /** Least part of what a bare server does that sends the same bytes. */
  cachedRatio: 0.75,
  /** For so many users at least. */
  users: 1_000,
  /** One, and what looking for changes adds. */
  statementsPerRequest: 1.05,
  /** Fewer are none that pass: what answers without a statement is another thing than was to be measured. */
  fewestStatementsPerRequest: 0.95,
} as const

export const FEEDS_PER_TENANT = 3
export const POSTS_PER_FEED = 30
export const POSTS_PER_PAGE = 20
export const LIST_PATH = `/v1/posts?limit=${POSTS_PER_PAGE}`
