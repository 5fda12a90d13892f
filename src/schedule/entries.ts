import type { Config } from '../kernel/config.js'
import type { JobRequest } from '../queues/driver.js'

/** A job that begins by itself, again and again. */
export interface ScheduleEntry {
  /** Also the id of its job scheduler. */
  readonly id: string
  /** The job it adds to the queue `maintenance`, without a payload. */
  readonly job: 'StartDueSyncs' | 'PrunePosts' | 'RemoveDeletedTenants' | 'PruneMedia' | 'TendMoves' | 'KeepSpareDatabases'
  /** Every so many ms, or at the times of a cron pattern of five fields, UTC. */
  readonly when: { readonly everyMs: number } | { readonly pattern: string }
  /** One line for the operator. */
  readonly doc: string
}

const SPARES_EVERY_MS = 60_000

/** Everything that begins by itself. */
export function scheduleOf(
  config: Pick<Config, 'syncEveryS' | 'pruneAt'> & Partial<Pick<Config, 'spareDatabases'>>,
): readonly ScheduleEntry[] {
  const spares: ScheduleEntry = {
    id: 'spare-databases',
    job: 'KeepSpareDatabases',
    when: { everyMs: SPARES_EVERY_MS },
    doc: 'make the spare databases that were taken',
  }
  return [
    {
      id: 'sync-due',
      job: 'StartDueSyncs',
      when: { everyMs: config.syncEveryS * 1000 },
      doc: 'sync the tenants that have due sources',
    },
    { id: 'prune-posts', job: 'PrunePosts', when: { pattern: config.pruneAt }, doc: 'delete the posts that retention gives up' },
    {
      id: 'remove-tenants',
      job: 'RemoveDeletedTenants',
      when: { pattern: config.pruneAt },
      doc: 'remove the deleted tenants whose grace is over',
    },
    {
      id: 'prune-media',
      job: 'PruneMedia',
      when: { pattern: config.pruneAt },
      doc: 'remove the local media whose grace is over',
    },
    {
      id: 'tend-moves',
      job: 'TendMoves',
      when: { everyMs: 60_000 },
      doc: 'let the writers of tenants go on whose move died, and remove old copies whose time is over',
    },
    ...((config.spareDatabases ?? 0) > 0 ? [spares] : []),
  ]
}

/** The job of the entry, to be added by hand. */
export function jobOf({ id, job }: ScheduleEntry): JobRequest {
  return { queue: 'maintenance', name: job, payload: {}, dedupeId: `schedule:${id}` }
}
