import type { ScheduleEntry } from './entries.js'
import { parsePattern } from './pattern.js'

type Timed = Pick<ScheduleEntry, 'when'>

/** When the entry fires next if it fired, or would have, at `after`; always later than that. Epoch ms. @throws {Failure} CONFIG_INVALID for a pattern that is none */
export function nextAt({ when }: Timed, after: number): number {
  return 'everyMs' in when ? after + when.everyMs : parsePattern(when.pattern, after).next().getTime()
}

/** When the entry fires first in a process that starts now: an interval at once, a pattern at its next time. Epoch ms. */
export function firstAt(entry: Timed, now: number): number {
  return 'everyMs' in entry.when ? now : nextAt(entry, now)
}

export interface Decision {
  readonly fire: boolean
  /** When it is due from now on, epoch ms. */
  readonly dueAt: number
}

/**
 * Whether an entry fires now. One that missed many of its times, because the process slept, the clock was set forward or its last firing took
 * so long, fires once; after the clock was set back it waits no longer than it would from then.
 */
export function decide(entry: Timed, state: { readonly dueAt: number; readonly running: boolean }, now: number): Decision {
  if (now < state.dueAt) return { fire: false, dueAt: Math.min(state.dueAt, nextAt(entry, now)) }
  return state.running ? { fire: false, dueAt: state.dueAt } : { fire: true, dueAt: nextAt(entry, now) }
}
