import { Connection, type Target } from './connection.js'
import { Arrivals, type Drawing } from './drawing.js'
import { type Asked, Checker, type Tally } from './expectations.js'
import { Latencies, type LatencyFigures } from './latencies.js'

/** Requests one after another on each of many connections: the next is sent when the last is answered. */
export interface ClosedLoopOrder {
  readonly target: Target
  readonly connections: number
  readonly durationMs: number
  /** Most requests; null: as many as there is time for. */
  readonly most: number | null
  readonly asked: readonly Asked[]
  /** Which of them is sent when, over all connections, again and again; null: in their order. */
  readonly sequence: readonly number[] | null
}

export interface LoopResult extends Tally {
  /** From the first request to the last answer. */
  readonly wallMs: number
  readonly latency: LatencyFigures
}

/** A result with what is drawn of it. */
export interface DrawnResult extends LoopResult {
  readonly drawing: Drawing
  /** Why its times cannot be right; absent where nobody looks. */
  readonly strange?: readonly string[]
}

/** Whoever has not answered by then never will. */
export const PATIENCE_MS = 20_000

/** @throws {Error} when a connection cannot be opened */
export async function closedLoop(order: ClosedLoopOrder): Promise<DrawnResult> {
  const { asked, sequence } = order
  const most = order.most ?? Number.POSITIVE_INFINITY
  const checker = new Checker()
  const latencies = new Latencies()
  const requests = asked.map(({ text }) => Buffer.from(text, 'latin1'))
  const arrivals = new Arrivals(order.durationMs)
  const underWay = new Set<Connection>()
  let [turn, begun, deadline] = [0, 0, 0]
  let finish: () => void = () => {}
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  const leave = (connection: Connection) => {
    underWay.delete(connection)
    if (underWay.size === 0) finish()
  }
  const next = (connection: Connection, now: number) => {
    const place = turn++
    const which = sequence === null ? place % requests.length : (sequence[place % sequence.length] ?? 0)
    connection.asked = which
    connection.since = now
    connection.send(requests[which] as Buffer)
  }
  const connections = await openAll(order.connections, order.target, {
    onAnswer: (connection, answer) => {
      const now = performance.now()
      latencies.add(now - connection.since)
      arrivals.add(now - begun)
      checker.check(asked[connection.asked] as Asked, answer)
      if (now < deadline && turn < most) next(connection, now)
      else leave(connection)
    },
    onLost: (connection, why) => {
      if (!underWay.has(connection) && !connection.isStray) return
      latencies.add(performance.now() - connection.since)
      checker.lose(why)
      leave(connection)
    },
    wantsBody: connection => checker.wantsBody(asked[connection.asked] as Asked),
  })
  begun = performance.now()
  deadline = begun + order.durationMs
  for (const connection of connections) underWay.add(connection)
  for (const connection of connections) next(connection, performance.now())
  const timer = setTimeout(finish, order.durationMs + PATIENCE_MS)
  await finished
  clearTimeout(timer)
  const ended = performance.now()
  const wallMs = ended - begun
  for (const connection of connections) connection.close()
  for (const connection of underWay) {
    latencies.add(ended - connection.since)
    checker.lose('no answer')
  }
  const drawing = { latencies: latencies.counts(), arrivals: arrivals.counts() }
  return { ...checker.tally(), wallMs, latency: latencies.figures(), drawing }
}

const OPENED_AT_ONCE = 100

/** Opens connections, all or none, a hundred at a time: a burst would overflow what the server's kernel keeps waiting. @throws {NoConnection} */
export async function openAll(
  count: number,
  target: Target,
  events: Parameters<typeof Connection.open>[1],
): Promise<Connection[]> {
  const opened: Connection[] = []
  while (opened.length < count) {
    const batch = Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened.length) }, () => Connection.open(target, events))
    const settled = await Promise.allSettled(batch)
    opened.push(...settled.flatMap(one => (one.status === 'fulfilled' ? [one.value] : [])))
    const refused = settled.find(one => one.status === 'rejected')
    if (refused === undefined) continue
    for (const connection of opened) connection.close()
    throw refused.reason
  }
  return opened
}
