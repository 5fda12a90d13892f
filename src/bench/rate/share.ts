import { setTimeout as pause } from 'node:timers/promises'
import type { ReadAnswer } from '../api/answer-reader.js'
import type { Connection } from '../api/connection.js'
import { Arrivals } from '../api/drawing.js'
import type { Asked } from '../api/expectations.js'
import type { ShareOrder, ShareResult } from './order.js'
import { Pool } from './pool.js'
import { StrainWatch } from './processor.js'
import { Repeat } from './repeat.js'

/**
 * Sends a thread's part of the requests when they are due. Times are from when a request was due, so that a server that stalls cannot stop the clock of those that would
 * have come meanwhile.
 * @param ready is told that all connections are open, and answers when the first request of all threads is due, epoch ms
 * @throws {NoConnection} when one is refused before that
 */
export async function sendShare(order: ShareOrder, ready: () => Promise<number>): Promise<ShareResult> {
  const share = new Share(order)
  await share.open()
  return share.send((await ready()) - performance.timeOrigin)
}

/** A request of one thread, by its place among the thread's. */
class Share {
  private readonly pool: Pool
  private readonly requests: readonly Buffer[]
  private readonly total: number
  private readonly warmUp = new Repeat()
  private readonly repeats: readonly Repeat[]
  private readonly arrivals: Arrivals
  private readonly watch = new StrainWatch()
  /** When request 0 of all threads is due, ms of `performance.now`. */
  private begun = Number.POSITIVE_INFINITY
  /** Requests whose time was seen to have come; that were sent; that are answered or lost. */
  private seen = 0
  private sent = 0
  private over = 0
  /** That were closed under way for having been idle, and are sent again first. */
  private readonly again: number[] = []
  /** Those that were: none is sent a third time. */
  private readonly repeated = new Set<number>()
  /** The repeat that is now; -1 in the warm-up. */
  private now = -1
  private finish: () => void = () => {}

  constructor(private readonly order: ShareOrder) {
    const { perS, warmUpMs, repeatMs, repeats, part, of, asked, connections, target } = order
    const all = Math.round((perS * (warmUpMs + repeatMs * repeats)) / 1000)
    this.total = Math.max(0, Math.ceil((all - part) / of))
    this.requests = asked.map(({ text }) => Buffer.from(text, 'latin1'))
    this.repeats = Array.from({ length: repeats }, () => new Repeat())
    this.arrivals = new Arrivals(repeatMs * repeats)
    const most = Math.max(1, Math.floor(connections / of) + (part < connections % of ? 1 : 0))
    this.pool = new Pool(target, most, {
      onAnswer: (connection, answer) => this.take(connection, answer),
      onLost: (connection, why, mayRepeat) => this.lose(connection, why, mayRepeat),
      onFree: () => this.sendDue(),
      onRefused: why => this.refuse(why),
      onStray: why => this.nowRepeat().checker.lose(why),
      wantsBody: connection => this.warmUp.checker.wantsBody(this.askedFor(connection.asked)),
    })
  }

  open(): Promise<void> {
    return this.pool.open()
  }

  async send(begun: number): Promise<ShareResult> {
    const { warmUpMs, repeatMs, repeats, patienceMs } = this.order
    const finished = new Promise<void>(resolve => {
      this.finish = resolve
    })
    this.begun = begun
    const ticks = setInterval(() => this.sendDue(), 1)
    const end = begun + warmUpMs + repeatMs * repeats
    const timer = setTimeout(() => this.finish(), end + patienceMs - performance.now())
    if (this.total === 0) this.finish()
    await finished
    // At few requests per second the last is answered long before the last repeat is over.
    await pause(Math.max(0, end - performance.now()))
    clearInterval(ticks)
    clearTimeout(timer)
    this.endRepeats(repeats)
    this.abandon()
    this.pool.close()
    return { repeats: this.repeats.map(one => one.counts()), arrivals: this.arrivals.counts(), reopened: this.pool.reopened }
  }

  private sendDue(): void {
    const now = performance.now()
    this.look(now)
    let wanted = this.seen - this.sent + this.again.length
    for (; wanted > 0; wanted--) {
      const connection = this.pool.take(wanted)
      if (connection === null) return
      const request = this.again.pop() ?? this.sent++
      const which = this.placeOf(request) % this.requests.length
      connection.asked = request
      connection.since = this.dueAt(request)
      connection.send(this.requests[which] as Buffer)
    }
  }

  /** Which requests are due by now, and how late that is seen. */
  private look(now: number): void {
    const { perS, part, of } = this.order
    const due = Math.min(this.total, Math.floor((((now - this.begun) * perS) / 1000 - part) / of) + 1)
    if (now >= this.begun) this.endRepeats(this.repeatAt(now))
    const hadNone = this.sent < this.seen
    for (; this.seen < due; this.seen++) {
      const repeat = this.repeatOf(this.seen)
      repeat.lateness.add(now - this.dueAt(this.seen))
      if (hadNone) repeat.waited += 1
    }
  }

  private take(connection: Connection, answer: ReadAnswer): void {
    const now = performance.now()
    const repeat = this.repeatOf(connection.asked)
    repeat.latencies.add(now - connection.since)
    repeat.answering.add(now - connection.sentAt)
    repeat.checker.check(this.askedFor(connection.asked), answer)
    const at = this.repeats[this.repeatAt(now)]
    if (at !== undefined) at.came += 1
    this.arrivals.add(now - this.begun - this.order.warmUpMs)
    this.leave()
  }

  private lose(connection: Connection, why: string, mayRepeat: boolean): void {
    if (mayRepeat && !this.repeated.has(connection.asked)) {
      this.repeated.add(connection.asked)
      this.again.push(connection.asked)
      this.sendDue()
      return
    }
    const repeat = this.repeatOf(connection.asked)
    repeat.latencies.add(performance.now() - connection.since)
    repeat.answering.add(performance.now() - connection.sentAt)
    repeat.checker.lose(why)
    this.leave()
  }

  /** The request that a connection was opened for has none. */
  private refuse(why: string): void {
    if (this.sent === this.seen && this.again.length === 0) return
    const request = this.again.pop() ?? this.sent++
    const repeat = this.repeatOf(request)
    repeat.latencies.add(performance.now() - this.dueAt(request))
    repeat.checker.lose(why)
    this.leave()
  }

  private leave(): void {
    this.over += 1
    if (this.over === this.total) this.finish()
  }

  /** Nobody waits any longer: those that are not answered took at least that long. */
  private abandon(): void {
    const now = performance.now()
    for (const { asked, sentAt } of this.pool.underWay()) this.repeatOf(asked).answering.add(now - sentAt)
    const unanswered = [...this.pool.underWay()].map(({ asked }) => asked).concat(this.again)
    for (let request = this.sent; request < this.total; request++) unanswered.push(request)
    for (const request of unanswered) {
      const repeat = this.repeatOf(request)
      repeat.latencies.add(now - this.dueAt(request))
      repeat.checker.lose('no answer')
    }
  }

  private endRepeats(reached: number): void {
    for (; this.now < Math.min(reached, this.repeats.length); this.now++) {
      const ended = this.repeats[this.now] ?? this.warmUp
      ended.strain = this.watch.take()
    }
  }

  /** The first, in the warm-up. */
  private nowRepeat(): Repeat {
    return this.repeats[Math.max(0, Math.min(this.now, this.repeats.length - 1))] ?? this.warmUp
  }

  /** Its place among the requests of all threads. */
  private placeOf(request: number): number {
    return request * this.order.of + this.order.part
  }

  private dueAt(request: number): number {
    return this.begun + (this.placeOf(request) * 1000) / this.order.perS
  }

  private repeatAt(at: number): number {
    return Math.max(-1, Math.floor((at - this.begun - this.order.warmUpMs) / this.order.repeatMs))
  }

  private repeatOf(request: number): Repeat {
    return this.repeats[this.repeatAt(this.dueAt(request))] ?? this.warmUp
  }

  private askedFor(request: number): Asked {
    return this.order.asked[this.placeOf(request) % this.requests.length] as Asked
  }
}
