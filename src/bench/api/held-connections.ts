import { type LoopResult, openAll, PATIENCE_MS } from './closed-loop.js'
import type { Connection, Target } from './connection.js'
import { type Asked, Checker } from './expectations.js'
import { Latencies } from './latencies.js'

/** Connections that stay open. */
export interface HoldOrder {
  readonly target: Target
  readonly connections: number
  /** Local addresses that they come from, in turns: one address has only so many ports. */
  readonly from: readonly string[]
  readonly asked: readonly Asked[]
}

/** Each of them asks once. */
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

interface Held {
  readonly asked: readonly Asked[]
  readonly requests: readonly Buffer[]
  readonly connections: readonly Connection[]
  readonly lost: Map<Connection, string>
  onAnswer: (connection: Connection, answer: Parameters<Checker['check']>[1]) => void
  onLost: (connection: Connection, why: string) => void
}

/** Far more than an answer takes. */
const MS_PER_CONNECTION = 2

let held: Held | null = null

/** Opens them, and keeps them until the process ends. @throws {Error} when one cannot be opened */
export async function holdConnections({ target, connections: count, from, asked }: HoldOrder): Promise<{ open: number }> {
  const lost = new Map<Connection, string>()
  const requests = asked.map(({ text }) => Buffer.from(text, 'latin1'))
  const events = {
    onAnswer: (connection: Connection, answer: Parameters<Checker['check']>[1]) => held?.onAnswer(connection, answer),
    onLost: (connection: Connection, why: string) => {
      lost.set(connection, why)
      held?.onLost(connection, why)
    },
    wantsBody: () => true,
  }
  const connections = await openAll(count, target, events, from)
  held = { asked, requests, connections, lost, onAnswer: () => {}, onLost: () => {} }
  return { open: connections.length - lost.size }
}

/** Lets each ask in its turn, while the others are silent. */
export async function askHeld({ atOnce }: HeldRoundOrder): Promise<HeldRound> {
  if (held === null) throw new Error('no connections are held')
  const { asked, requests, connections, lost } = held
  const checker = new Checker()
  const latencies = new Latencies()
  const lostBefore = lost.size
  let [next, underWay, finish] = [0, 0, () => {}]
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  const proceed = () => {
    for (; underWay < atOnce && next < connections.length; next++) {
      const connection = connections[next] as Connection
      if (lost.has(connection)) continue
      underWay += 1
      connection.asked = next % requests.length
      connection.since = performance.now()
      connection.send(requests[connection.asked] as Buffer)
    }
    if (underWay === 0) finish()
  }
  held.onAnswer = (connection, answer) => {
    latencies.add(performance.now() - connection.since)
    checker.check(asked[connection.asked] as Asked, answer)
    connection.since = 0
    underWay -= 1
    proceed()
  }
  held.onLost = (connection, why) => {
    checker.lose(why)
    if (connection.since === 0) return
    underWay -= 1
    proceed()
  }
  const begun = performance.now()
  const timer = setTimeout(finish, PATIENCE_MS + MS_PER_CONNECTION * connections.length)
  proceed()
  await finished
  clearTimeout(timer)
  if (underWay > 0) checker.lose(`no answer to ${underWay} requests`)
  const tally = checker.tally()
  return {
    ...{ ...tally, lost: tally.lost + lostBefore, wallMs: performance.now() - begun, latency: latencies.figures() },
    open: connections.length - lost.size,
    fewestAnswers: connections.reduce((fewest, { answers }) => Math.min(fewest, answers), Number.POSITIVE_INFINITY),
  }
}
