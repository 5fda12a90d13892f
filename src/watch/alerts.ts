import { type Clock, sleep, steady } from '../kernel/clock.js'
import type { Config } from '../kernel/config.js'
import { Failure, wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import { Absences, CATALOG_AWAY, isAbsence, QUEUES_AWAY } from './absences.js'
import { AlertBook } from './alert-book.js'
import { type AlertMemory, decideAlerts, NOTHING_SEEN } from './alert-decision.js'
import { AlertTeller } from './alert-teller.js'
import { type AlertSettings, conditionsIn } from './conditions.js'
import { QueuesAway } from './gather.js'
import type { Overview } from './overview.js'
import { within } from './patience.js'
import { ALERTS_TURN, Turn } from './turn.js'

const LOOK_EVERY_MS = 15_000
const PATIENCE_MS = 10_000

export interface AlertKeeperOptions {
  readonly catalog: Catalog
  readonly config: AlertSettings & Pick<Config, 'alertWebhook' | 'alertRepeatS'>
  readonly log: Log
  /** As `Watch.overview`: fails with `QueuesAway` where it is Redis that does not answer. */
  readonly overview: () => Promise<Overview>
  readonly now?: Clock
  /** Tells how long something has lasted, whatever becomes of the clock. */
  readonly elapsed?: Clock
}

/** Whose business the alerts are: exactly one keeper's of the installation; while the catalog does not answer, every keeper's. */
type Turns = 'mine' | 'others' | 'unknown'

/**
 * Looks at the installation again and again, and tells the operator what should not be: once when it begins, now and then while it lasts, and
 * once when it is over; in the log, and by FEEDCTL_ALERT_WEBHOOK.
 */
export class AlertKeeper {
  private readonly now: Clock
  private readonly watchedSince: number
  private readonly turn: Turn
  private readonly book: AlertBook
  private readonly teller: AlertTeller
  private readonly absences: Absences
  private readonly stop = new AbortController()
  private readonly elapsed: Clock
  private memory: AlertMemory = NOTHING_SEEN
  /** Whether it had the turn when the catalog was last heard. */
  private leading = false
  private looking: Promise<void> = Promise.resolve()

  /** @throws {Failure} CONFIG_INVALID for a webhook that is no URL */
  constructor(private readonly options: AlertKeeperOptions) {
    this.now = options.now ?? Date.now
    this.watchedSince = this.now()
    this.elapsed = options.elapsed ?? steady
    this.absences = new Absences(this.elapsed)
    this.turn = new Turn(options.catalog, ALERTS_TURN, this.now, this.elapsed)
    this.book = new AlertBook(options.catalog, name => name === CATALOG_AWAY)
    this.teller = new AlertTeller(options.config.alertWebhook, options.log, this.stop.signal)
  }

  /** Looks every 15 s until it is closed. */
  start(): void {
    this.looking = this.lookOn()
  }

  /** Breaks off a look under way, and leaves the alerts to other keepers. */
  async close(): Promise<void> {
    this.stop.abort(new Failure('INTERRUPTED', 'nobody looks after alerts any more'))
    await this.looking
    await within(this.turn.release(), PATIENCE_MS, new AbortController().signal).catch(() => {})
  }

  /** One look, and all that is to be told after it. */
  async look(): Promise<void> {
    const turns = await this.begin()
    const overview = turns === 'others' ? null : await this.read(turns)
    const now = this.now()
    const judged = this.judge(turns, overview !== null)
    const seen = overview === null ? [] : conditionsIn(overview, this.options.config, this.watchedSince)
    const conditions = [...seen, ...this.absences.conditions(now)].filter(({ name }) => judged(name))
    const { tellings, memory } = decideAlerts({
      ...{ rows: this.book.rows(), conditions, judged, memory: this.memory },
      ...{ now, elapsed: this.elapsed(), repeatMs: this.options.config.alertRepeatS * 1000 },
    })
    this.memory = memory
    let reaching = true
    for (const { telling, row } of tellings) {
      // Telling may take long: the turn may have gone to another meanwhile.
      if (turns === 'mine' && !(await this.keepTurn())) return
      if (telling.event === 'alert') await this.settled(this.book.put(row))
      const reached = await this.teller.tell(telling, reaching)
      reaching &&= reached
      if (telling.event === 'recovery' && (reached || telling.lastTry)) await this.settled(this.book.remove(row.name))
      if (telling.event !== 'recovery' && reached) await this.settled(this.book.put({ ...row, toldAt: now, told: telling.told }))
    }
  }

  /** Of what a look can tell. While the catalog does not answer, others may look as well: what is not theirs they leave alone. */
  private judge(turns: Turns, sighted: boolean): (name: string) => boolean {
    if (turns === 'others') return () => true
    if (turns === 'mine') return name => sighted || isAbsence(name)
    return name => name === CATALOG_AWAY || (this.leading && name === QUEUES_AWAY)
  }

  private async lookOn(): Promise<void> {
    const { signal } = this.stop
    while (!signal.aborted) {
      await this.look().catch(error => {
        if (!signal.aborted) this.options.log.error('alerts: a bug', { why: (error as Error).stack ?? wordsOf(error) })
      })
      await sleep(LOOK_EVERY_MS, signal).catch(() => {})
    }
  }

  /** Takes the turn, and the rows that come with it. */
  private async begin(): Promise<Turns> {
    try {
      this.leading = await this.patient(this.turn.take())
      if (this.leading) {
        await this.patient(this.book.load())
        return 'mine'
      }
    } catch (error) {
      this.stop.signal.throwIfAborted()
      this.absences.note(CATALOG_AWAY, wordsOf(error))
      return 'unknown'
    }
    this.book.leave()
    this.absences.note(CATALOG_AWAY, null)
    this.absences.note(QUEUES_AWAY, null)
    return 'others'
  }

  /** True also when the catalog cannot say. */
  private keepTurn(): Promise<boolean> {
    return this.patient(this.turn.take()).catch(() => !this.stop.signal.aborted)
  }

  /** Null when it cannot be read, which is noted. */
  private async read(turns: Turns): Promise<Overview | null> {
    try {
      const overview = await this.patient(this.options.overview())
      this.absences.note(QUEUES_AWAY, null)
      if (turns === 'mine') this.absences.note(CATALOG_AWAY, null)
      return overview
    } catch (error) {
      this.stop.signal.throwIfAborted()
      const [away, there] =
        error instanceof QueuesAway ? ([QUEUES_AWAY, CATALOG_AWAY] as const) : ([CATALOG_AWAY, QUEUES_AWAY] as const)
      this.absences.note(away, wordsOf(error))
      if (turns === 'mine' || there === QUEUES_AWAY) this.absences.note(there, null)
      return null
    }
  }

  /** What the catalog does not take now is remembered. */
  private settled(change: Promise<void>): Promise<void> {
    return this.patient(change).catch(() => {})
  }

  private patient<T>(answer: Promise<T>): Promise<T> {
    return within(answer, PATIENCE_MS, this.stop.signal)
  }
}
