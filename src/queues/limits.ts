import type { WorkerLimit } from './driver.js'

export interface WorkerLimits {
  /** Jobs, failed ones included; null is no limit, here and below. */
  readonly maxJobs: number | null
  readonly maxTimeMs: number | null
  /** Resident memory. */
  readonly memoryBytes: number | null
}

export interface WorkerFigures {
  readonly jobs: number
  readonly ageMs: number
  readonly rssBytes: number
}

const JITTER = 0.1

/** The limits of one worker: its time is up to a tenth shorter, so that workers that begin together do not end together. `random`: 0 to 1. */
export function limitsOf(limits: WorkerLimits, random: number): WorkerLimits {
  const { maxJobs, maxTimeMs, memoryBytes } = limits
  return { maxJobs, maxTimeMs: maxTimeMs === null ? null : Math.round(maxTimeMs * (1 - JITTER * random)), memoryBytes }
}

/** The first limit that is reached; null when none is. */
export function reachedLimit(figures: WorkerFigures, limits: WorkerLimits): WorkerLimit | null {
  if (limits.maxJobs !== null && figures.jobs >= limits.maxJobs) return 'max-jobs'
  if (limits.maxTimeMs !== null && figures.ageMs >= limits.maxTimeMs) return 'max-time'
  return limits.memoryBytes !== null && figures.rssBytes > limits.memoryBytes ? 'memory' : null
}
