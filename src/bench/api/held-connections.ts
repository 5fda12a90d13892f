import type { ReadAnswer } from './answer-reader.js'
import { type LoopResult, PATIENCE_MS } from './closed-loop.js'
import { Connection, type Target } from './connection.js'
import { type Asked, Checker } from './expectations.js'
import { Latencies } from './latencies.js'

/** Connections that stay open, from when each has asked once. */
export interface HoldOrder {
  readonly target: Target
  readonly connections: number
  /** Local addresses that they come from, in turns: one address has only so many ports. */
  readonly from: readonly string[]
  readonly asked: readonly Asked[]
}

/** Each of them asks once more. */
export interface HeldRoundOrder {
  /** Requests under way at once. */
  readonly atOnce: number
}

export interface HeldRound extends LoopResult {
  /** Connections that are open when it is over. */
  readonly open: number
  /** Answers of the connection that had the fewest, since all began. */
  readonly fewestAnswers: number
}

const OPENED_AT_ONCE = 100
/** Far more than an answer takes. */
const MS_PER_CONNECTION = 2

let held: HeldConnections | null = null

/**
 * Opens them, and keeps them until the process ends. Each asks at once: a server takes connections that ask for nothing for an attack.
 * @throws {Error} when one cannot be opened
 */
export async function holdConnections(order: HoldOrder): Promise<HeldRound> {
  held = new HeldConnections(order)
  return held.open()
}

/** Lets each ask in its turn, while the others are silent. */
export async function askHeld({ atOnce }: HeldRoundOrder): Promise<HeldRound> {
  if (held === null) throw new Error('no connections are held')
  return held.askAll(atOnce)
}

/** What is asked in one go. */
interface Round {
  readonly checker: Checker
  readonly latencies: Latencies
  readonly underWay: Set<Connection>
  proceed(): void
}

class HeldConnections {
  private readonly connections: Connection[] = []
  private readonly lost = new Set<Connection>()
  private readonly requests: readonly Buffer[]
  private round: Round | null = null
  /** Why connections were lost while nothing was asked. */
  private readonly complaints: string[] = []

  constructor(private readonly order: HoldOrder) {
    this.requests = order.asked.map(({ text }) => Buffer.from(text, 'latin1'))
  }

  async open(): Promise<HeldRound> {
    const [checker, latencies] = [new Checker(), new Latencies()]
    const begun = performance.now()
    while (this.connections.length < this.order.connections) {
      const opened = await this.openSome(Math.min(OPENED_AT_ONCE, this.order.connections - this.connections.length))
      this.connections.push(...opened)
      await this.ask(opened, opened.length, checker, latencies)
    }
    return this.figures(checker, latencies, begun)
  }

  async askAll(atOnce: number): Promise<HeldRound> {
    const [checker, latencies] = [new Checker(), new Latencies()]
    const begun = performance.now()
    await this.ask(this.connections, atOnce, checker, latencies)
    return this.figures(checker, latencies, begun)
  }

  private openSome(count: number): Promise<Connection[]> {
    const { target, from } = this.order
    const events = {
      onAnswer: (connection: Connection, answer: ReadAnswer) => this.answered(connection, answer),
      onLost: (connection: Connection, why: string) => this.lose(connection, why),
      wantsBody: (connection: Connection) => this.order.asked[connection.asked]?.sha256 != null,
    }
    const before = this.connections.length
    const address = (n: number) => from[(before + n) % Math.max(1, from.length)] ?? null
    return Promise.all(Array.from({ length: count }, (_, n) => Connection.open(target, events, address(n))))
  }

  private async ask(those: readonly Connection[], atOnce: number, checker: Checker, latencies: Latencies): Promise<void> {
    let [next, finish] = [0, () => {}]
    const finished = new Promise<void>(resolve => {
      finish = resolve
    })
    const underWay = new Set<Connection>()
    const proceed = () => {
      for (; underWay.size < atOnce && next < those.length; next++) {
        const connection = those[next] as Connection
        if (this.lost.has(connection)) continue
        underWay.add(connection)
        connection.asked = next % this.requests.length
        connection.since = performance.now()
        connection.send(this.requests[connection.asked] as Buffer)
      }
      if (underWay.size === 0) finish()
    }
    this.round = { checker, latencies, underWay, proceed }
    const timer = setTimeout(finish, PATIENCE_MS + MS_PER_CONNECTION * those.length)
    proceed()
    await finished
    clearTimeout(timer)
    this.round = null
    if (underWay.size > 0) checker.lose(`no answer to ${underWay.size} requests`)
  }

  private answered(connection: Connection, answer: ReadAnswer): void {
    const { round } = this
    if (round === null || !round.underWay.delete(connection)) return
    round.latencies.add(performance.now() - connection.since)
    round.checker.check(this.order.asked[connection.asked] as Asked, answer)
    round.proceed()
  }

  private lose(connection: Connection, why: string): void {
    this.lost.add(connection)
    if (this.round === null) {
      this.complaints.push(`connections lost: ${why}`)
      return
    }
    this.round.checker.lose(why)
    if (this.round.underWay.delete(connection)) this.round.proceed()
  }

  private figures(checker: Checker, latencies: Latencies, begun: number): HeldRound {
    const tally = checker.tally()
    return {
      ...tally,
      complaints: [...new Set([...tally.complaints, ...this.complaints])],
      lost: this.lost.size,
      wallMs: performance.now() - begun,
      latency: latencies.figures(),
      open: this.connections.length - this.lost.size,
      fewestAnswers: this.connections.reduce((fewest, { answers }) => Math.min(fewest, answers), Number.POSITIVE_INFINITY),
    }
  }
}
