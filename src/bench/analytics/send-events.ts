import { setTimeout as pause } from 'node:timers/promises'
import type { ReadAnswer } from '../api/answer-reader.js'
import { Connection, type Target } from '../api/connection.js'
import { Latencies, type LatencyFigures } from '../api/latencies.js'
import { BatchBody } from './event-batches.js'
import { EventChoices } from './event-choices.js'
import { EVENTS_PER_BATCH } from './load.js'

/** Batches that are posted until the time is over, and then until each is accepted. */
export interface SendOrder {
  readonly target: Target
  readonly tenants: readonly { readonly id: number; readonly token: string }[]
  readonly connections: number
  /** Null: as many as are accepted. */
  readonly eventsPerS: number | null
  readonly durationMs: number
  /** Of each tenant. */
  readonly posts: number
  readonly visitors: number
  readonly seed: number
}

export interface Sent {
  /** Events that were acknowledged, by the tenant's id. */
  readonly acknowledged: Readonly<Record<string, number>>
  readonly events: number
  readonly batches: number
  /** Answers that asked to try again later. */
  readonly putOff: number
  /** Batches that were sent again because the connection was lost: whether they were accepted nobody knew. */
  readonly repeated: number
  /** Batches that were never accepted. */
  readonly given: number
  /** From the first batch to the last acknowledgement. */
  readonly wallMs: number
  /** From when a batch was to be sent first, to its acknowledgement. */
  readonly latency: LatencyFigures
  readonly complaints: readonly string[]
}

/** How long a batch is tried again after the time is over. */
const PATIENCE_MS = 60_000
const REOPEN_AFTER_MS = 200
const RETRY_AFTER_S = 1
const MOST_COMPLAINTS = 5

/** @throws {Error} when nobody listens */
export async function sendEvents(order: SendOrder): Promise<Sent> {
  return new Sending(order).run()
}

class Sending {
  private readonly acknowledged = new Map<number, number>()
  private readonly latencies = new Latencies()
  private readonly complaints = new Set<string>()
  private batches = 0
  private putOff = 0
  private repeated = 0
  private given = 0
  private begun = 0
  private next = 0
  private lastAt = 0

  constructor(private readonly order: SendOrder) {}

  async run(): Promise<Sent> {
    this.begun = performance.now()
    await Promise.all(Array.from({ length: this.order.connections }, (_, n) => this.line(n)))
    let events = 0
    for (const count of this.acknowledged.values()) events += count
    return {
      acknowledged: Object.fromEntries(this.acknowledged),
      events,
      batches: this.batches,
      putOff: this.putOff,
      repeated: this.repeated,
      given: this.given,
      wallMs: this.lastAt - this.begun,
      latency: this.latencies.figures(),
      complaints: [...this.complaints],
    }
  }

  /** One connection, that sends one batch after another. */
  private async line(number: number): Promise<void> {
    const { order } = this
    const choices = new EventChoices(order.seed * 1_000 + number, order.posts, order.visitors)
    const body = new BatchBody(choices)
    const post = new Poster(order.target)
    try {
      for (;;) {
        const turn = this.next++
        const due = order.eventsPerS === null ? 0 : (turn * EVENTS_PER_BATCH * 1000) / order.eventsPerS
        const early = this.begun + due - performance.now()
        if (Math.max(due, performance.now() - this.begun) >= order.durationMs) return
        if (early > 0) await pause(early)
        const tenant = order.tenants[turn % order.tenants.length] as SendOrder['tenants'][number]
        body.renew(`${order.seed}-${turn}`, Date.now())
        const since = order.eventsPerS === null ? performance.now() : this.begun + due
        await this.deliver(post, tenant, body.bytes, since)
      }
    } finally {
      post.close()
    }
  }

  /** Until it is acknowledged: the same batch counts once, however often it is sent. */
  private async deliver(post: Poster, tenant: SendOrder['tenants'][number], body: Buffer, since: number): Promise<void> {
    const giveUpAt = this.begun + this.order.durationMs + PATIENCE_MS
    while (performance.now() < giveUpAt) {
      const answer = await post.post(tenant.token, body)
      if (typeof answer === 'string') {
        this.repeated += 1
        this.complain(`connections lost: ${answer}`)
        await pause(REOPEN_AFTER_MS)
        continue
      }
      if (answer.status === 202) {
        this.acknowledge(tenant.id, answer, since)
        return
      }
      if (answer.status !== 503 && answer.status !== 429) {
        this.complain(`a batch is answered with ${answer.status}: ${answer.body?.toString().slice(0, 200) ?? ''}`)
        break
      }
      this.putOff += 1
      await pause((answer.retryAfterS ?? RETRY_AFTER_S) * 1000)
    }
    this.given += 1
  }

  private acknowledge(tenant: number, { body }: ReadAnswer, since: number): void {
    const { accepted } = JSON.parse(body?.toString() ?? '{}') as { accepted?: number }
    if (accepted !== EVENTS_PER_BATCH) this.complain(`of ${EVENTS_PER_BATCH} good events ${accepted ?? 'none'} are accepted`)
    this.acknowledged.set(tenant, (this.acknowledged.get(tenant) ?? 0) + (accepted ?? 0))
    this.batches += 1
    this.lastAt = performance.now()
    this.latencies.add(this.lastAt - since)
  }

  private complain(what: string): void {
    if (this.complaints.size < MOST_COMPLAINTS) this.complaints.add(what)
  }
}

/** A connection that is opened again when it was lost. */
class Poster {
  private connection: Connection | null = null
  private settle: (answer: ReadAnswer | string) => void = () => {}

  constructor(private readonly target: Target) {}

  /** The answer; or why there is none. */
  async post(token: string, body: Buffer): Promise<ReadAnswer | string> {
    try {
      this.connection ??= await Connection.open(this.target, {
        onAnswer: (_, answer) => this.settle(answer),
        onLost: (_, why) => {
          this.connection = null
          this.settle(why)
        },
        wantsBody: () => true,
      })
    } catch (error) {
      return String(error)
    }
    const { connection } = this
    const answered = new Promise<ReadAnswer | string>(resolve => {
      this.settle = resolve
    })
    connection.send(Buffer.from(headOf(token, body.length), 'latin1'))
    connection.send(body)
    return answered
  }

  close(): void {
    this.connection?.close()
  }
}

function headOf(token: string, length: number): string {
  return `POST /v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`
}
