import type { SingleBar } from 'cli-progress'
import { duration } from './figures.js'
import type { ProgressMode } from './flags.js'
import { toJson } from './json.js'
import { showControls } from './width.js'

export type ProgressFacts = Readonly<Record<string, string | number>>

/** How far something is. A second `start` begins anew; `stop` twice is calm. */
export interface Progress {
  /** A total of 0 is one that nobody knows. */
  start(total: number): void
  update(done: number, facts?: ProgressFacts): void
  stop(): void
}

/** How progress is shown, once `auto` is decided. */
export type ProgressFace = Exclude<ProgressMode, 'auto'>

interface State {
  readonly name: string
  readonly unit: string
  readonly total: number
  readonly done: number
  readonly facts: ProgressFacts
}

const PLAIN_EVERY_MS = 5000
const JSON_EVERY_MS = 1000
const FRAMES_PER_SECOND = 8
/** Clears the bar's line and lets long lines wrap again. */
const LEAVE_BAR = '\r\u001b[2K\u001b[?7h'
/** No wrapping, and the place where a stopping bar puts the cursor is here: cli-progress sets both at the start only. */
const RESUME_BAR = '\u001b[?7l\u001b7'

/** Shows the progress of one command on a stream. */
export class Meter {
  private readonly opened: Progress[] = []
  private bars = 0
  private createBar: (() => SingleBar) | null = null

  constructor(private readonly outlet: NodeJS.WritableStream) {}

  /** Loads what the face needs, before the first `open`. */
  async prepare(face: ProgressFace): Promise<void> {
    if (face !== 'bar') return
    const { default: bars } = await import('cli-progress')
    this.createBar = () =>
      new bars.SingleBar({
        stream: this.outlet,
        format: '{name} [{bar}] {percentage}% {value}/{total}{unit}, {eta_formatted} left{facts}',
        barsize: 24,
        fps: FRAMES_PER_SECOND,
        etaBuffer: 50,
        forceRedraw: true,
        gracefulExit: false,
        formatTime: seconds => (Number.isFinite(seconds) ? duration(seconds * 1000) : '?'),
      })
  }

  open(name: string, unit: string, face: ProgressFace): Progress {
    const write = (line: string) => this.outlet.write(`${line}\n`)
    const state: State = { name, unit, total: 0, done: 0, facts: {} }
    const progress =
      face === 'none'
        ? new Lines(state, null, () => {})
        : face === 'json'
          ? new Lines(state, JSON_EVERY_MS, now => write(jsonLine(now)))
          : face === 'bar' && this.createBar !== null
            ? new Bar(state, this.createBar, change => {
                this.bars += change
              })
            : new Lines(state, PLAIN_EVERY_MS, now => write(plainLine(now)))
    this.opened.push(progress)
    return progress
  }

  /** Writes something else to the same terminal, without leaving half a bar before it. */
  aside(write: () => void): void {
    const besideBar = this.bars > 0
    if (besideBar) this.outlet.write(LEAVE_BAR)
    write()
    if (besideBar) this.outlet.write(RESUME_BAR)
  }

  close(): void {
    for (const progress of this.opened.splice(0)) progress.stop()
  }
}

/** A line now and then, and one at the end. */
class Lines implements Progress {
  private timer: NodeJS.Timeout | null = null
  private started = false

  /** `everyMs` null says nothing at all. */
  constructor(
    private state: State,
    private readonly everyMs: number | null,
    private readonly say: (state: State) => void,
  ) {}

  start(total: number): void {
    this.stop()
    this.state = { ...this.state, total, done: 0, facts: {} }
    this.started = true
    if (this.everyMs !== null) this.timer = setInterval(() => this.say(this.state), this.everyMs).unref()
  }

  update(done: number, facts?: ProgressFacts): void {
    this.state = { ...this.state, done, facts: facts ?? this.state.facts }
  }

  stop(): void {
    if (!this.started) return
    this.started = false
    if (this.timer !== null) clearInterval(this.timer)
    this.say(this.state)
  }
}

class Bar implements Progress {
  private bar: SingleBar | null = null
  private facts: ProgressFacts = {}

  constructor(
    private readonly state: State,
    private readonly createBar: () => SingleBar,
    private readonly countBars: (change: 1 | -1) => void,
  ) {}

  start(total: number): void {
    this.stop()
    this.facts = {}
    this.bar = this.createBar()
    this.bar.start(total, 0, { name: showControls(this.state.name), unit: suffix(this.state.unit), facts: '' })
    this.countBars(1)
  }

  update(done: number, facts?: ProgressFacts): void {
    this.facts = facts ?? this.facts
    this.bar?.update(done, { facts: factWords(this.facts) })
  }

  stop(): void {
    if (this.bar === null) return
    this.bar.stop()
    this.bar = null
    this.countBars(-1)
  }
}

function plainLine({ name, unit, total, done, facts }: State): string {
  const share = total > 0 ? ` of ${total}${suffix(unit)} (${Math.floor((done / total) * 100)}%)` : suffix(unit)
  return `${showControls(name)}: ${done}${share}${factWords(facts)}`
}

function jsonLine({ name, unit, total, done, facts }: State): string {
  return toJson({ progress: name, unit: unit === '' ? null : unit, done, total, facts })
}

function factWords(facts: ProgressFacts): string {
  return Object.entries(facts)
    .map(([name, value]) => `, ${showControls(`${name} ${value}`)}`)
    .join('')
}

function suffix(unit: string): string {
  return unit === '' ? '' : ` ${showControls(unit)}`
}
