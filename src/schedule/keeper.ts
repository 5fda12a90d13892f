import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { JobSchedules } from '../queues/index.js'
import type { ScheduleEntry } from './entries.js'
import { nextAt } from './next.js'

const LOOK_AGAIN_MS = 30_000

type JobSchedule = Parameters<JobSchedules['put']>[0]

export interface KeeperParts {
  readonly schedules: Pick<JobSchedules, 'put' | 'mend' | 'removeOthers'>
  readonly entries: readonly ScheduleEntry[]
  readonly log: Log
  /** Time between two looks, ms. */
  readonly everyMs?: number
}

/**
 * Sees to it that Redis has the entries and no others, and gets them again when it comes back empty. Where several processes keep entries
 * that differ, those of the one that started last stand. What Redis has stays there when the keeper is closed: workers go on with it.
 */
export class ScheduleKeeper {
  private placed = false
  private away = false
  private closed = false
  private timer: NodeJS.Timeout | undefined
  private looking: Promise<void> = Promise.resolve()

  /** @throws {Failure} CONFIG_INVALID for a pattern that is none */
  constructor(private readonly parts: KeeperParts) {
    for (const entry of parts.entries) nextAt(entry, 0)
  }

  /** Looks now, and then again and again. Never throws: Redis may come later. */
  start(): this {
    this.looking = this.look()
    return this
  }

  /** Resolves when the look that is under way has ended. */
  async looked(): Promise<void> {
    await this.looking
  }

  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    await this.looking
  }

  private async look(): Promise<void> {
    const { log, everyMs = LOOK_AGAIN_MS } = this.parts
    try {
      await (this.placed ? this.mend() : this.place())
      if (this.away) log.info('the schedule is kept again')
      this.away = false
    } catch (error) {
      if (!this.away && !this.closed) log.warn('the schedule waits for Redis', { why: wordsOf(error) })
      this.away = true
    }
    if (this.closed) return
    this.timer = setTimeout(() => {
      this.looking = this.look()
    }, everyMs)
  }

  private async place(): Promise<void> {
    const { schedules, entries, log } = this.parts
    for (const entry of entries) await schedules.put(scheduleOfEntry(entry))
    const removed = await schedules.removeOthers(entries.map(entry => entry.id))
    for (const id of removed) log.info('a schedule that is none any more was removed', { schedule: id })
    this.placed = true
  }

  private async mend(): Promise<void> {
    for (const entry of this.parts.entries) await this.parts.schedules.mend(scheduleOfEntry(entry))
  }
}

function scheduleOfEntry({ id, job, when }: ScheduleEntry): JobSchedule {
  return { id, name: job, ...when }
}
