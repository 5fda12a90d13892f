import { type Clock, sleep, steady } from '../kernel/clock.js'
import { wordsOf } from '../kernel/errors.js'
import { thisProcess } from '../kernel/holder.js'
import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import { addServed, HOUR_MS, type ServedHour } from '../tenants/served-hours.js'

const LOOK_EVERY_MS = 1_000
const WRITE_EVERY_MS = 60_000
/** Hours that wait while the database is away; of more the oldest are given up. */
const MOST_HOURS = 48
/** Hours whose figures are remembered although they are written: a clock that is set back comes by again. */
const WRITTEN_HOURS = 3
/** An API that ends does not wait for a database that is away. */
const CLOSE_WITHIN_MS = 2_000

/** What a process counts anyhow. */
export interface ServedCounts {
  /** Requests since the process began. */
  readonly requests: () => number
  /** Connections that are open. */
  readonly connections: () => number
}

interface Hour extends Pick<ServedHour, 'peakPerS' | 'connections' | 'firstAt' | 'lastAt'> {
  /** Those that are not yet written. */
  readonly requests: number
  readonly isWritten: boolean
}

export interface ServedTimes {
  readonly now: Clock
  readonly steady: Clock
  readonly lookEveryMs: number
  readonly writeEveryMs: number
  readonly closeWithinMs: number
}

const TIMES: ServedTimes = {
  now: Date.now,
  steady,
  lookEveryMs: LOOK_EVERY_MS,
  writeEveryMs: WRITE_EVERY_MS,
  closeWithinMs: CLOSE_WITHIN_MS,
}

/**
 * Keeps in the catalog how much this process serves, hour by hour: looks once a second at what is counted anyhow, so that no request waits for it, and
 * writes one statement a minute, when there is something new. A process that is killed loses a minute at most; what cannot be written is written later.
 */
export class ServedHours {
  /** By when they began; the last is the one that was served in last, whatever its time: clocks are set back. */
  private readonly hours = new Map<number, Hour>()
  private readonly timers: readonly NodeJS.Timeout[]
  private readonly times: ServedTimes
  private requests = 0
  private lookedAt: number
  private writing: Promise<void> = Promise.resolve()

  constructor(
    private readonly counts: ServedCounts,
    private readonly catalog: Catalog,
    private readonly log: Log,
    times: Partial<ServedTimes> = {},
  ) {
    this.times = { ...TIMES, ...times }
    this.lookedAt = this.times.steady()
    this.timers = [
      setInterval(() => this.look(), this.times.lookEveryMs).unref(),
      setInterval(() => void this.write(), this.times.writeEveryMs).unref(),
    ]
  }

  /** Adds what was served since the last look to the hour that it is. A look that comes late spreads it over the time since. */
  look(): void {
    const [requests, connections, at] = [this.counts.requests(), this.counts.connections(), this.times.steady()]
    const since = requests - this.requests
    const tookMs = Math.max(0, at - this.lookedAt)
    this.requests = requests
    this.lookedAt = at
    if (since === 0 && connections === 0) return
    const now = this.times.now()
    const hourAt = Math.floor(now / HOUR_MS) * HOUR_MS
    const firstAt = Math.max(hourAt, Math.floor(now - tookMs))
    const hour = this.hours.get(hourAt) ?? { requests: 0, peakPerS: 0, connections: 0, firstAt, lastAt: now }
    this.hours.delete(hourAt)
    this.hours.set(hourAt, {
      requests: hour.requests + since,
      peakPerS: Math.max(hour.peakPerS, Math.ceil(since / Math.max(1, tookMs / 1000))),
      connections: Math.max(hour.connections, connections),
      firstAt: Math.min(hour.firstAt, firstAt),
      lastAt: Math.max(hour.lastAt, now),
      isWritten: false,
    })
  }

  /** Writes what is new; never rejects. */
  write(): Promise<void> {
    this.writing = this.writing.then(() => this.writeNew())
    return this.writing
  }

  /** Writes what is new, unless that takes too long: then it is lost. */
  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer)
    this.look()
    const over = new AbortController()
    await Promise.race([this.write(), sleep(this.times.closeWithinMs, over.signal).catch(() => {})])
    over.abort()
  }

  private async writeNew(): Promise<void> {
    const process = thisProcess()
    const rows: ServedHour[] = []
    for (const [hourAt, { isWritten, ...hour }] of this.hours) if (!isWritten) rows.push({ hourAt, process, ...hour })
    if (rows.length === 0) return
    for (const row of rows) this.change(row.hourAt, { isWritten: true })
    try {
      await addServed(this.catalog, rows)
      // What was served while it was written is new.
      for (const row of rows) this.change(row.hourAt, { requests: this.requestsOf(row.hourAt) - row.requests })
      this.forget(WRITTEN_HOURS, ({ isWritten }) => isWritten)
    } catch (error) {
      for (const row of rows) this.change(row.hourAt, { isWritten: false })
      this.forget(MOST_HOURS, () => true)
      this.log.debug('how much is served is counted, but not yet written', { why: wordsOf(error) })
    }
  }

  private change(hourAt: number, changes: Partial<Hour>): void {
    const hour = this.hours.get(hourAt)
    if (hour !== undefined) this.hours.set(hourAt, { ...hour, ...changes })
  }

  private requestsOf(hourAt: number): number {
    return this.hours.get(hourAt)?.requests ?? 0
  }

  /** Of those, all but the last ones. */
  private forget(kept: number, which: (hour: Hour) => boolean): void {
    const all = [...this.hours].filter(([, hour]) => which(hour))
    for (const [hourAt] of all.slice(0, -kept)) this.hours.delete(hourAt)
  }
}
