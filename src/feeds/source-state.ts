import type { SourceRow } from './sources.js'

/**
 * How a source does.
 * - `new`: never asked.
 * - `active`: its newest check succeeded.
 * - `failing`: its newest check failed.
 * - `moving`: its newest checks were redirected for good, not yet often enough to be believed.
 * - `merged`: it turned out to be another source; its feeds follow with their tenants' next sync.
 * - `retired`: the publisher said it is gone for good.
 */
export type SourceState = 'new' | 'active' | 'failing' | 'moving' | 'merged' | 'retired'

type StateFacts = Pick<SourceRow, 'retired_at' | 'merged_into' | 'failure_code' | 'checked_at' | 'moved_to'>

export function sourceState(source: StateFacts): SourceState {
  if (source.merged_into !== null) return 'merged'
  if (source.retired_at !== null) return 'retired'
  if (source.failure_code !== null) return 'failing'
  if (source.checked_at === null) return 'new'
  return source.moved_to === null ? 'active' : 'moving'
}
