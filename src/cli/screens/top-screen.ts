import { sleep } from '../../kernel/clock.js'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { act } from './deeds.js'
import { type Deed, type KeyName, press, START } from './keys.js'
import type { Reading } from './look.js'
import { pageLines, type Sight, type Surface } from './page.js'
import { withReading } from './rates.js'
import { read, type Watched } from './reading.js'
import { rowsOf } from './views.js'

const READ_PATIENCE_MS = 10_000

export interface TopOptions {
  /** From the end of a reading to the next one. */
  readonly everyMs: number
  readonly surface: Surface
  /** Takes secrets out of words. */
  readonly redact: (text: string) => string
}

/** What happens behind the screen: readings come in, keys are pressed, and the lines of the page follow. */
export class TopScreen {
  private sight: Sight
  private surface: Surface
  private page: readonly string[]
  private reading: Promise<Reading> | null = null
  private waiting = new AbortController()
  private patience = new AbortController()
  private readonly left = new AbortController()
  private readonly listeners = new Set<() => void>()

  constructor(
    private readonly watched: Watched,
    private readonly options: TopOptions,
  ) {
    this.surface = options.surface
    const place = START
    this.sight = { reading: null, rates: new Map(), failure: null, notice: null, place, hasDesk: watched.desk !== null }
    this.page = pageLines(this.sight, this.surface)
  }

  /** The page, the same array until it changes. */
  readonly lines = (): readonly string[] => this.page

  /** Calls the listener at every change; answers how to stop it. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Reads again and again until `leave`. */
  async run(): Promise<void> {
    while (!this.left.signal.aborted) {
      await this.look()
      await sleep(this.options.everyMs, this.waiting.signal).catch(() => {})
      if (this.waiting.signal.aborted) this.waiting = new AbortController()
    }
  }

  /** Calm when done twice. */
  leave(): void {
    this.left.abort(new Failure('INTERRUPTED', 'the screen was left'))
    this.waiting.abort()
    this.patience.abort()
  }

  resize(columns: number, rows: number): void {
    this.surface = { ...this.surface, columns, rows }
    this.show({})
  }

  press(key: KeyName): void {
    const { place, reading, hasDesk } = this.sight
    const rows = reading === null ? [] : rowsOf(place.view, reading.overview)
    const pressed = press(place, key, { rows, hasDesk })
    this.show({ place: pressed.place, notice: null })
    if (pressed.place.view !== place.view) this.waiting.abort()
    if (pressed.deed !== null) void this.do(pressed.deed)
  }

  private async do(deed: Deed): Promise<void> {
    if (deed.kind === 'leave') return this.leave()
    if (this.watched.desk === null) return
    this.show({ notice: '...' })
    const notice = await act(deed, this.watched.desk, this.left.signal).catch(error => `it failed: ${this.words(error)}`)
    this.show({ notice })
    this.waiting.abort()
  }

  /** A reading, or what stood in its way; the one before stays. One that is late is awaited further, and no other begun. */
  private async look(): Promise<void> {
    this.reading ??= read(this.watched, this.sight.place.view === 'queues').finally(() => {
      this.reading = null
    })
    this.patience = new AbortController()
    const late = sleep(READ_PATIENCE_MS, this.patience.signal).then(() => {
      throw new Failure('UNAVAILABLE', `no answer for ${READ_PATIENCE_MS / 1000} s`)
    })
    try {
      const reading = await Promise.race([this.reading, late])
      this.show({ reading, rates: withReading(this.sight.rates, reading.overview), failure: null })
    } catch (error) {
      if (!this.left.signal.aborted) this.show({ failure: this.words(error) })
    } finally {
      this.patience.abort()
    }
  }

  private words(error: unknown): string {
    return this.options.redact(wordsOf(error))
  }

  private show(change: Partial<Sight>): void {
    this.sight = { ...this.sight, ...change }
    const page = pageLines(this.sight, this.surface)
    if (page.length === this.page.length && page.every((line, index) => line === this.page[index])) return
    this.page = page
    for (const listener of this.listeners) listener()
  }
}
