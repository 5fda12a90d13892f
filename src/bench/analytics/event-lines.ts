import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type EventPlaces, POST_WIDTH, TIME_WIDTH, VISITOR_WIDTH, writeEvent } from './event-batches.js'
import { EventChoices } from './event-choices.js'

const LEAST_LINES = 1_000

/** Lines that are written to a descriptor, as fast as they are taken or at a rate, until the time is over. */
export interface LinesOrder {
  /** Closed at the end. */
  readonly descriptor: number
  readonly tenants: readonly string[]
  /** Null: as many as are taken. */
  readonly eventsPerS: number | null
  readonly durationMs: number
  /** Of each tenant. */
  readonly posts: number
  readonly visitors: number
}

export interface LinesWritten {
  readonly events: number
  /** As many are of each tenant. */
  readonly perTenant: number
}

/** @throws {Error} when nobody reads any more */
export async function writeEventLines(order: LinesOrder): Promise<LinesWritten> {
  const { tenants, eventsPerS, durationMs } = order
  const lines = new LineBlock(tenants, new EventChoices(2, order.posts, order.visitors))
  const out = createWriteStream('', { fd: order.descriptor })
  const failed = once(out, 'error').then(([error]) => Promise.reject(error))
  failed.catch(() => {})
  const begun = performance.now()
  let events = 0
  for (;;) {
    const due = eventsPerS === null ? 0 : (events * 1000) / eventsPerS
    const passed = performance.now() - begun
    if (due > passed) await pause(Math.min(due, durationMs) - passed)
    if (Math.max(due, passed) >= durationMs && events > 0) break
    // The bytes of one block are written before they are renewed.
    await Promise.race([new Promise(resolve => out.write(lines.renewed(Date.now()), resolve)), failed])
    events += lines.count
  }
  const closed = once(out, 'close')
  out.end()
  await Promise.race([closed, failed])
  return { events, perTenant: events / tenants.length }
}

/** Lines of all tenants in turn, as many of each, whose numbers are written anew each time. */
export class LineBlock {
  readonly count: number
  private readonly bytes: Buffer
  private readonly places: readonly EventPlaces[]

  constructor(
    tenants: readonly string[],
    private readonly choices: EventChoices,
  ) {
    this.count = tenants.length * Math.ceil(LEAST_LINES / tenants.length)
    const blank = (width: number) => ' '.repeat(width)
    const places: EventPlaces[] = []
    const parts: string[] = []
    let length = 0
    const add = (part: string) => {
      parts.push(part)
      length += part.length
      return length
    }
    for (let n = 0; n < this.count; n++) {
      const post = add(`{"tenant":"${tenants[n % tenants.length]}","kind":"${choices.kind()}","post_id":`)
      const visitor = add(`${blank(POST_WIDTH)},"visitor":"v`)
      const time = add(`${blank(VISITOR_WIDTH)}","at":`)
      add(`${blank(TIME_WIDTH)}}\n`)
      places.push({ post, visitor, time })
    }
    this.bytes = Buffer.from(parts.join(''), 'latin1')
    this.places = places
  }

  /** Always the same buffer. */
  renewed(now: number): Buffer {
    for (const places of this.places) writeEvent(this.bytes, places, this.choices, now)
    return this.bytes
  }
}
