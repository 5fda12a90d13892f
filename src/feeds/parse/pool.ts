import { createRequire } from 'node:module'
import { Piscina } from 'piscina'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { Slots } from '../fetch/slots.js'
import { ownBytes } from '../own-bytes.js'
import { unlessAborted } from '../unless-aborted.js'
import type { ParseResult, ParseTask } from './thread.js'

export type { ParseResult, ParseTask } from './thread.js'

const MAX_PARSE_MS = 10_000
/** Counted, and not timed: a process that was held up itself has not heard its threads either. */
const LOOKS = 10
const MAX_HEAP_MB = 192
/**
 * Of short-lived objects: with half of it a cold sync in one process takes a tenth longer. A pool of one thread is a worker's, of which a machine
 * runs several: there memory counts more.
 */
const MAX_YOUNG_MB = { alone: 16, together: 32 }
const IDLE_MS = 30_000
/** Documents in memory that wait for a thread, beside those that are being fetched. */
const BACKLOG = 32

const never = new AbortController().signal

/** Parses documents in threads, which are started with the first one. A document that kills its thread fails alone. */
export class ParsePool {
  private piscina: Piscina<ParseTask, ParseResult> | null = null
  /** A document gets a thread before its clock starts: waiting for others is not its fault. */
  private readonly slots: Slots
  private pending = 0
  private closed = false
  private wakeAll: (() => void)[] = []

  constructor(private readonly options: { readonly threads: number; readonly maxParseMs?: number; readonly maxHeapMb?: number }) {
    this.slots = new Slots(Math.max(1, options.threads))
  }

  /**
   * The body is handed over to the thread and empty afterwards, when it has its ArrayBuffer to itself.
   * Rejects with the signal's reason when it aborts; whatever is wrong with the document is a result.
   */
  async parse(task: ParseTask, signal: AbortSignal = never): Promise<ParseResult> {
    if (this.closed) throw new Failure('INTERRUPTED', 'the parser is closed')
    this.pending++
    try {
      return await this.parseInTurn(task, signal)
    } finally {
      this.pending--
      if (this.pending < BACKLOG) for (const wake of this.wakeAll.splice(0)) wake()
    }
  }

  /** Resolves when fewer than `BACKLOG` documents wait to be read. Rejects with the signal's reason when it aborts. */
  async room(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (this.pending >= BACKLOG && !this.closed) {
      await unlessAborted(new Promise<void>(resolve => this.wakeAll.push(resolve)), signal)
    }
  }

  private async parseInTurn(task: ParseTask, signal: AbortSignal): Promise<ParseResult> {
    const leave = await this.slots.take(signal)
    const ended = new AbortController()
    const stop = () => ended.abort()
    let looks = 0
    const looking = setInterval(
      () => {
        if (++looks === LOOKS) stop()
      },
      (this.options.maxParseMs ?? MAX_PARSE_MS) / LOOKS,
    )
    signal.addEventListener('abort', stop, { once: true })
    try {
      // It may have aborted while this waited for the slot, before anything listened.
      signal.throwIfAborted()
      const body = ownBytes(task.body)
      const previous = task.previous === null ? null : ownBytes(task.previous)
      return await this.open().run({ ...task, body, previous }, { transferList: [body.buffer], signal: ended.signal })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (this.closed) throw new Failure('INTERRUPTED', 'the parser is closed', { cause: error })
      if (isMissingThread(error)) throw error
      const words = ended.signal.aborted ? 'parsing takes too long' : `parsing ends in an error: ${wordsOf(error)}`
      return { failure: { code: 'FEED_UNREADABLE', message: words } }
    } finally {
      clearInterval(looking)
      signal.removeEventListener('abort', stop)
      leave()
    }
  }

  /** Ends the threads, with what they are doing. */
  async close(): Promise<void> {
    this.closed = true
    for (const wake of this.wakeAll.splice(0)) wake()
    await this.piscina?.destroy()
    this.piscina = null
  }

  private open(): Piscina<ParseTask, ParseResult> {
    if (this.piscina !== null) return this.piscina
    this.piscina = new Piscina({
      filename: createRequire(import.meta.url).resolve('#parse-thread'),
      minThreads: 1,
      maxThreads: Math.max(1, this.options.threads),
      idleTimeout: IDLE_MS,
      maxQueue: Number.POSITIVE_INFINITY,
      resourceLimits: {
        maxOldGenerationSizeMb: this.options.maxHeapMb ?? MAX_HEAP_MB,
        maxYoungGenerationSizeMb: this.options.threads > 1 ? MAX_YOUNG_MB.together : MAX_YOUNG_MB.alone,
      },
    })
    // The document that was being parsed has the error already; without a listener it would end the process as well.
    this.piscina.on('error', () => {})
    return this.piscina
  }
}

function isMissingThread(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /MODULE_NOT_FOUND/.test(String(error.code))
}
