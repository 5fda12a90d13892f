import { countEvents } from '../analytics/count-events.js'
import { type EventIntake, openIntake } from '../analytics/intake.js'
import { Waker } from '../analytics/waker.js'
import type { App } from '../app.js'
import { batchAnalytics } from '../jobs.js'
import { wordsOf } from '../kernel/errors.js'
import type { AddedJobs, Queue } from '../queues/driver.js'

/** The intake of a process that serves, and the job that counts what it has accepted: in this very process where there are no workers. */
export class ServedIntake {
  private opened: Promise<EventIntake> | null = null
  private queue: Promise<Queue> | null = null
  private readonly stop = new AbortController()
  private readonly waker: Waker
  private beginning: Promise<void> = Promise.resolve()

  constructor(private readonly app: App) {
    const { config, log } = app
    this.waker = new Waker(() => this.add(config.analyticsDelayS * 1000), log)
  }

  /** What an earlier process accepted, and nobody has counted, is counted now. Returns at once. */
  begin(): void {
    this.beginning = this.countLeft().catch(error => this.tell('what an earlier process accepted is not counted yet', error))
  }

  open(): Promise<EventIntake> {
    this.opened ??= this.make().catch(error => {
      this.opened = null
      throw error
    })
    return this.opened
  }

  /** Counts what was accepted last where this process counts, in the time that it has to drain: what is left stays for the next. */
  async close(): Promise<void> {
    await this.beginning
    if (this.countsHere) this.stop.abort()
    else await this.waker.close()
    if (!this.countsHere || this.opened === null) return
    const { app } = this
    try {
      await (await this.queue)?.settled('analytics')
      const parts = { catalog: app.catalog, log: app.log, events: await app.events(), rawDays: app.config.analyticsRawDays }
      await countEvents(parts, AbortSignal.timeout(app.config.drainMs))
    } catch (error) {
      this.tell('what was accepted last stays in the journal', error)
    }
  }

  private get countsHere(): boolean {
    return this.app.config.queueConnection === 'sync'
  }

  private async make(): Promise<EventIntake> {
    return openIntake({ events: await this.app.events(), config: this.app.config, wake: this.waker.wake })
  }

  private async countLeft(): Promise<void> {
    const { batches } = await (await this.app.events()).backlog()
    if (batches > 0) await this.add(0)
  }

  private async add(delayMs: number): Promise<AddedJobs> {
    this.queue ??= this.app.queue(this.stop.signal)
    return (await this.queue).add([batchAnalytics(delayMs)])
  }

  private tell(what: string, error: unknown): void {
    this.app.log.warn(`analytics: ${what}`, { why: wordsOf(error) })
  }
}
