import type { ReadAnswer } from '../api/answer-reader.js'
import { type DrawnResult, PATIENCE_MS } from '../api/closed-loop.js'
import { type Connection, NoConnection, type Target } from '../api/connection.js'
import { Arrivals } from '../api/drawing.js'
import { type Asked, Checker } from '../api/expectations.js'
import { Latencies } from '../api/latencies.js'
import { Pool } from '../rate/pool.js'

/** So many users of any HTTP API, each of whom asks again as soon as it is answered. */
export interface UserLoopOrder {
  readonly target: Target
  readonly users: number
  readonly durationMs: number
  /** In turn, over all users. */
  readonly asked: readonly Asked[]
}

/** Lets them ask. Nobody is left: whoever asked before the time was over is waited for, and counts. */
export async function userLoop(order: UserLoopOrder): Promise<DrawnResult> {
  const loop = new UserLoop(order)
  await loop.open()
  return loop.run()
}

/** What a user wants answered. */
interface Wish {
  readonly which: number
  /** A connection that has to be opened again is part of what the user waits for. */
  readonly since: number
  readonly isRepeat: boolean
}

class UserLoop {
  private readonly pool: Pool
  private readonly requests: readonly Buffer[]
  private readonly checker = new Checker()
  private readonly latencies = new Latencies()
  private readonly arrivals: Arrivals
  /** Wishes that wait for a connection, and those that wait for an answer. */
  private readonly waiting: Wish[] = []
  private readonly asking = new Map<Connection, Wish>()
  private turn = 0
  private begun = 0
  private finish: () => void = () => {}

  constructor(private readonly order: UserLoopOrder) {
    this.requests = order.asked.map(({ text }) => Buffer.from(text, 'latin1'))
    this.arrivals = new Arrivals(order.durationMs)
    this.pool = new Pool(order.target, order.users, {
      onAnswer: (connection, answer) => this.take(connection, answer),
      onLost: (connection, why, mayRepeat) => this.lose(connection, why, mayRepeat),
      onFree: () => this.ask(),
      onRefused: why => this.refuse(why),
      onStray: why => this.checker.lose(why),
      wantsBody: connection => this.checker.wantsBody(this.askedFor(connection.asked)),
    })
  }

  /** Who is refused from the first has nothing answered: that is told as any other loss. */
  async open(): Promise<void> {
    await this.pool.open().catch(error => {
      if (!(error instanceof NoConnection)) throw error
      this.checker.lose(error.message)
    })
  }

  async run(): Promise<DrawnResult> {
    const { users, durationMs } = this.order
    const finished = new Promise<void>(resolve => {
      this.finish = resolve
    })
    this.begun = performance.now()
    for (let user = 0; user < users; user++) this.wish(this.begun)
    this.ask()
    const timer = setTimeout(() => this.finish(), durationMs + PATIENCE_MS)
    await finished
    clearTimeout(timer)
    const ended = performance.now()
    for (const { since } of [...this.waiting, ...this.asking.values()]) this.miss(since, ended, 'no answer')
    this.pool.close()
    const drawing = { latencies: this.latencies.counts(), arrivals: this.arrivals.counts() }
    return { ...this.checker.tally(), wallMs: ended - this.begun, latency: this.latencies.figures(), drawing }
  }

  private wish(now: number): void {
    this.waiting.push({ which: this.turn++ % this.requests.length, since: now, isRepeat: false })
  }

  private ask(): void {
    while (this.waiting.length > 0) {
      const connection = this.pool.take(this.waiting.length)
      if (connection === null) return
      const wish = this.waiting.shift() as Wish
      this.asking.set(connection, wish)
      connection.asked = wish.which
      connection.send(this.requests[wish.which] as Buffer)
    }
  }

  private take(connection: Connection, answer: ReadAnswer): void {
    const now = performance.now()
    this.latencies.add(now - (this.forget(connection)?.since ?? now))
    this.arrivals.add(now - this.begun)
    this.checker.check(this.askedFor(connection.asked), answer)
    this.next(now)
  }

  private lose(connection: Connection, why: string, mayRepeat: boolean): void {
    const wish = this.forget(connection)
    if (wish === undefined) return
    const now = performance.now()
    if (mayRepeat && !wish.isRepeat) this.waiting.unshift({ ...wish, isRepeat: true })
    else {
      this.miss(wish.since, now, why)
      this.next(now)
    }
    this.ask()
  }

  /** A user who gets no connection asks for nothing more: there would be no end of it. */
  private refuse(why: string): void {
    const wish = this.waiting.shift()
    if (wish !== undefined) this.miss(wish.since, performance.now(), why)
    this.look()
  }

  private next(now: number): void {
    if (now - this.begun < this.order.durationMs) this.wish(now)
    else this.look()
  }

  private look(): void {
    if (this.waiting.length + this.asking.size === 0) this.finish()
  }

  private miss(since: number, now: number, why: string): void {
    this.latencies.add(now - since)
    this.checker.lose(why)
  }

  private forget(connection: Connection): Wish | undefined {
    const wish = this.asking.get(connection)
    this.asking.delete(connection)
    return wish
  }

  private askedFor(which: number): Asked {
    return this.order.asked[which] as Asked
  }
}
