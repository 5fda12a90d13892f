import type { ServerResponse } from 'node:http'
import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'

const EVERY_MS = 1_000
/** Between two looks at whether a listener's session still counts, in ticks. */
const TICKS_PER_LOOK = 3
const MOST_LISTENERS = 100
/** What a browser reconnects after, ms. */
const RETRY_MS = 2_000
/** Who has so much unread is gone, or too slow to be told. */
const MOST_UNREAD_BYTES = 1024 * 1024

/** What listeners are told; the same object as long as nothing is new. */
export interface Telling {
  readonly json: string
}

interface Listener {
  readonly response: ServerResponse
  readonly isWelcome: () => Promise<boolean>
  told: Telling | null
}

/** Tells everybody who listens how things stand, about once a second, over server-sent events. */
export class LiveFeed {
  private readonly listeners = new Set<Listener>()
  private ticking: NodeJS.Timeout | null = null
  private busy = false
  private ticks = 0
  private closed = false
  private newestBug: string | null = null

  constructor(
    private readonly read: () => Promise<Telling>,
    private readonly log: Log,
    private readonly everyMs = EVERY_MS,
  ) {}

  get size(): number {
    return this.listeners.size
  }

  /** @throws {Failure} UNAVAILABLE when as many listen as may, or the server is about to end */
  refuseWhenFull(): void {
    if (this.closed || this.listeners.size >= MOST_LISTENERS) {
      throw new Failure('UNAVAILABLE', 'too many pages listen already', { hint: 'ask for /ops/overview.json now and then' })
    }
  }

  /** Takes the response over, if its client is still there, until its client leaves, is not welcome any more, or the feed is closed. */
  join(response: ServerResponse, headers: Readonly<Record<string, string>>, isWelcome: () => Promise<boolean>): void {
    if (response.destroyed) return
    const listener: Listener = { response, isWelcome, told: null }
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
    response.write(`retry: ${RETRY_MS}\n\n`)
    response.once('close', () => this.leave(listener))
    this.listeners.add(listener)
    this.ticking ??= setInterval(() => void this.tick(), this.everyMs)
    void this.tick()
  }

  /** Bids everybody goodbye: their browsers look for another process. */
  close(): void {
    this.closed = true
    for (const listener of this.listeners) this.dismiss(listener, 'draining')
  }

  private async tick(): Promise<void> {
    if (this.busy) return
    this.busy = true
    try {
      this.ticks++
      if (this.ticks % TICKS_PER_LOOK === 0) await this.dismissUnwelcome()
      const telling = await this.read()
      for (const listener of this.listeners) tell(listener, telling)
    } catch (error) {
      this.tellOfTrouble(error)
    } finally {
      this.busy = false
    }
  }

  private async dismissUnwelcome(): Promise<void> {
    await Promise.all(
      [...this.listeners].map(async listener => {
        // Where sessions are away, its browser asks again and is told so.
        const welcome = await listener.isWelcome().catch(() => null)
        if (welcome !== true) this.dismiss(listener, welcome === null ? 'unknown' : 'logged-out')
      }),
    )
  }

  private tellOfTrouble(error: unknown): void {
    const isKnown = isFailure(error)
    if (!isKnown) this.logBug(error instanceof Error ? (error.stack ?? error.message) : wordsOf(error))
    const words = isKnown ? { code: error.code, message: error.message } : { code: 'BUG', message: 'a bug in feedctl' }
    for (const { response } of this.listeners) response.write(`event: trouble\ndata: ${JSON.stringify(words)}\n\n`)
  }

  /** Once, not every second. */
  private logBug(why: string): void {
    if (why !== this.newestBug) this.log.error('ops: how things stand cannot be read', { why })
    this.newestBug = why
  }

  private dismiss(listener: Listener, why: 'draining' | 'logged-out' | 'unknown'): void {
    listener.response.end(`event: end\ndata: ${JSON.stringify({ why })}\n\n`)
    this.leave(listener)
  }

  private leave(listener: Listener): void {
    this.listeners.delete(listener)
    if (this.listeners.size > 0 || this.ticking === null) return
    clearInterval(this.ticking)
    this.ticking = null
  }
}

function tell(listener: Listener, telling: Telling): void {
  const { response } = listener
  if (response.writableLength > MOST_UNREAD_BYTES) {
    response.destroy()
    return
  }
  // Something each time, so that everybody on the way knows that it is alive.
  response.write(listener.told === telling ? 'event: beat\ndata: {}\n\n' : `event: overview\ndata: ${telling.json}\n\n`)
  listener.told = telling
}
