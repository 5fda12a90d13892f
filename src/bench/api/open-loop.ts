import { type LoopResult, openAll, PATIENCE_MS } from './closed-loop.js'
import type { Connection, Target } from './connection.js'
import { type Asked, Checker } from './expectations.js'
import { Latencies } from './latencies.js'

/** Requests that begin at a fixed rate, whether those before are answered or not. */
export interface OpenLoopOrder {
  readonly target: Target
  /** As many can be under way; those beyond wait here, and their waiting counts. */
  readonly connections: number
  readonly perS: number
  readonly durationMs: number
  readonly asked: readonly Asked[]
}

/** Times are from when a request was to begin, so that a server that stalls cannot stop the clock of those that would have come meanwhile. @throws {Error} when a connection cannot be opened */
export async function openLoop({ target, connections: count, perS, durationMs, asked }: OpenLoopOrder): Promise<LoopResult> {
  const checker = new Checker()
  const latencies = new Latencies()
  const requests = asked.map(({ text }) => Buffer.from(text, 'latin1'))
  const total = Math.round((perS * durationMs) / 1000)
  let [begun, sent, over, finish] = [0, 0, 0, () => {}]
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  const idle: Connection[] = []
  const sendDue = () => {
    const due = Math.min(total, Math.floor(((performance.now() - begun) * perS) / 1000) + 1)
    for (; sent < due; sent++) {
      const connection = idle.pop()
      if (connection === undefined) return
      connection.asked = sent % requests.length
      connection.since = begun + (sent * 1000) / perS
      connection.send(requests[connection.asked] as Buffer)
    }
  }
  const leave = () => {
    over += 1
    if (over === total) finish()
  }
  const connections = await openAll(count, target, {
    onAnswer: (connection, answer) => {
      latencies.add(performance.now() - connection.since)
      checker.check(asked[connection.asked] as Asked, answer)
      idle.push(connection)
      leave()
      sendDue()
    },
    onLost: (_, why) => {
      checker.lose(why)
      leave()
    },
    wantsBody: () => checker.wantsBody(),
  })
  idle.push(...connections)
  begun = performance.now()
  const ticks = setInterval(sendDue, 1)
  const timer = setTimeout(finish, durationMs + PATIENCE_MS)
  await finished
  clearInterval(ticks)
  clearTimeout(timer)
  const wallMs = performance.now() - begun
  for (const connection of connections) connection.close()
  if (over < total) checker.lose(`no answer to ${total - over} requests`)
  return { ...checker.tally(), wallMs, latency: latencies.figures() }
}
