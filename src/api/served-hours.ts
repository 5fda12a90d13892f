import { type Clock, sleep, steady } from '../kernel/clock.js'
import { wordsOf } from '../kernel/errors.js'
import { thisProcess } from '../kernel/holder.js'
import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import { HOUR_MS, noteServed, type ServedHour } from '../tenants/served-hours.js'

const LOOK_EVERY_MS = 1_000
const WRITE_EVERY_MS = 60_000
/** Hours that wait while the database is away; of more the oldest are given up. */
const MOST_HOURS = 48
/** An API that ends does not wait for a database that is away. */
const CLOSE_WITHIN_MS = 2_000

/** What a process counts anyhow. */
export interface ServedCounts {
  /** Requests since the process began. */
  readonly requests: () => number
  /** Connections that are open. */
  readonly connections: () => number
}

interface Hour {
  requests: number
  peakPerS: number
  connections: number
  isWritten: boolean
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
    const perS = Math.ceil(since / Math.max(1, (at - this.lookedAt) / 1000))
    this.requests = requests
    this.lookedAt = at
    const hourAt = Math.floor(this.times.now() / HOUR_MS) * HOUR_MS
    const hour = this.hours.get(hourAt) ?? { requests: 0, peakPerS: 0, connections: 0, isWritten: false }
    if (since === 0 && connections <= hour.connections) return
    hour.requests += since
    hour.peakPerS = Math.max(hour.peakPerS, perS)
    hour.connections = Math.max(hour.connections, connections)
    hour.isWritten = false
    this.hours.set(hourAt, hour)
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
    for (const { hourAt } of rows) this.markWritten(hourAt, true)
    try {
      await noteServed(this.catalog, rows)
      this.forget(1)
    } catch (error) {
      for (const { hourAt } of rows) this.markWritten(hourAt, false)
      this.forget(MOST_HOURS)
      this.log.debug('how much is served is counted, but not yet written', { why: wordsOf(error) })
    }
  }

  /** What is served while it is written is new again. */
  private markWritten(hourAt: number, isWritten: boolean): void {
    const hour = this.hours.get(hourAt)
    if (hour !== undefined) hour.isWritten = isWritten
  }

  /** Keeps the newest: the clock may have been set back, so in the order of their times. */
  private forget(kept: number): void {
    const oldest = [...this.hours.keys()].sort((a, b) => b - a).slice(kept)
    for (const hourAt of oldest) if (kept > 1 || this.hours.get(hourAt)?.isWritten === true) this.hours.delete(hourAt)
  }
}
