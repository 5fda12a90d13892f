import { type Clock, sleep } from '../kernel/clock.js'
import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { Queue } from '../queues/driver.js'
import { jobOf, type ScheduleEntry } from './entries.js'
import { decide, firstAt } from './next.js'

/** A clock that was set is noticed after this long. */
const LOOK_EVERY_MS = 1_000

export interface InlineSchedule {
  readonly entries: readonly ScheduleEntry[]
  /** A queue of its own for each entry: what it begins is over when that is settled. */
  readonly queue: () => Promise<Queue>
  readonly log: Log
  /** Ends the loop; no job is begun after it. */
  readonly signal: AbortSignal
  /** Called when an entry fires, with the time it fires next, epoch ms. */
  readonly fired: (entry: ScheduleEntry, nextAt: number) => void
  /** Called when all is over that an entry's firing has begun, with the number of jobs that failed. */
  readonly ended: (entry: ScheduleEntry, failed: number) => void
  readonly clock?: Clock
}

/**
 * Runs the entries in this process when they are due, until the signal aborts; returns when the jobs that were begun have ended or were
 * told to. One entry's firing, with all that it begins, is over before its next.
 */
export async function runInline(schedule: InlineSchedule): Promise<void> {
  const { signal, clock = Date.now } = schedule
  const beats = await beatsOf(schedule)
  let due = beats.map(({ entry }) => firstAt(entry, clock()))
  while (!signal.aborted) {
    const now = clock()
    const decisions = beats.map((beat, index) => decide(beat.entry, { dueAt: due[index] ?? now, running: beat.running }, now))
    due = decisions.map(decision => decision.dueAt)
    for (const [index, { fire, dueAt }] of decisions.entries()) {
      const beat = beats[index]
      if (!fire || beat === undefined) continue
      beat.fire()
      schedule.fired(beat.entry, dueAt)
    }
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(1, Math.min(...due) - clock())), signal).catch(() => {})
  }
  await Promise.all(beats.map(beat => beat.over))
}

type OneFiring = Pick<InlineSchedule, 'entries' | 'queue' | 'log' | 'ended'>

/** Runs every entry once, now, and returns when all that they begin is done. */
export async function runOnce(schedule: OneFiring): Promise<void> {
  const beats = await beatsOf(schedule)
  for (const beat of beats) beat.fire()
  await Promise.all(beats.map(beat => beat.over))
}

function beatsOf(schedule: OneFiring): Promise<Beat[]> {
  return Promise.all(schedule.entries.map(async entry => new Beat(entry, await schedule.queue(), schedule)))
}

/** An entry and its firing. */
class Beat {
  running = false
  over: Promise<void> = Promise.resolve()

  constructor(
    readonly entry: ScheduleEntry,
    private readonly queue: Queue,
    private readonly schedule: Pick<InlineSchedule, 'log' | 'ended'>,
  ) {}

  fire(): void {
    this.running = true
    this.over = this.run()
  }

  private async run(): Promise<void> {
    // Of a job that could not even be begun.
    let failed = 1
    try {
      await this.queue.add([jobOf(this.entry)])
      failed = (await this.queue.settled()).failed
    } catch (error) {
      this.schedule.log.error('a scheduled job could not be run', { schedule: this.entry.id, why: wordsOf(error) })
    } finally {
      this.running = false
      this.schedule.ended(this.entry, failed)
    }
  }
}
