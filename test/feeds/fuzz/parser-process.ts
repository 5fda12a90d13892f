import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import type { FeedDocument } from '../../../src/feeds/document.js'

const CHILD = 'test/feeds/fuzz/parse-child.mjs'
const PARSER = 'dist/src/feeds/parse/parse.js'

/** What `ParsePool` gives its threads: 192 MB of old objects, 16 MB of young ones (three semi-spaces). */
const HEAP_FLAGS = ['--max-old-space-size=192', '--max-semi-space-size=5']
const START_MS = 30_000

export interface ParserInput {
  readonly body: Uint8Array
  readonly contentType: string | null
  readonly url: string
  readonly now: number
}

export type Seen =
  | { readonly kind: 'document'; readonly document: FeedDocument | null }
  | { readonly kind: 'failure'; readonly code: string; readonly exit: number; readonly message: string }
  | { readonly kind: 'thrown'; readonly words: string }
  /** The process was ended: it said nothing for as long as it was given. */
  | { readonly kind: 'hung' }
  | { readonly kind: 'died'; readonly words: string }

export interface Observed {
  readonly seen: Seen
  readonly posts: number
  /** CPU time of the first parse, collections and compilation included. */
  readonly cpuMs: number
  /** CPU time of work that is always the same, just before and after; null when it was not wanted. */
  readonly paceMs: number | null
  readonly maxRssMb: number
  /** False when a second parse of the same bytes gave something else. */
  readonly stable: boolean
}

export interface ParseOrder {
  readonly input: ParserInput
  readonly twice?: boolean
  /** False leaves the document out of the answer. */
  readonly keep?: boolean
  readonly paced?: boolean
  readonly deadlineMs: number
}

/** Parses in another process, with the heap of a parser thread; started with the first document, and again after one that ended it. */
export class ParserProcess implements AsyncDisposable {
  private child: ChildProcess | null = null

  /** @param parser path of the built parse.js */
  constructor(private readonly parser = PARSER) {}

  async parse({ input, twice = false, keep = true, paced = false, deadlineMs }: ParseOrder): Promise<Observed> {
    const child = await this.started()
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), deadlineMs)
    try {
      const answered = once(child, 'message', { signal: stop.signal }) as Promise<[Observed]>
      const ended = once(child, 'exit', { signal: stop.signal }).then(([code, signal]) => {
        throw new Error(`status ${code ?? signal}`)
      }) as Promise<never>
      ended.catch(() => {})
      child.send({ input, twice, keep, paced })
      return (await Promise.race([answered, ended]))[0]
    } catch (error) {
      const seen: Seen = stop.signal.aborted
        ? { kind: 'hung' }
        : { kind: 'died', words: error instanceof Error ? error.message : '' }
      this.end()
      return { seen, posts: 0, cpuMs: Number.POSITIVE_INFINITY, paceMs: null, maxRssMb: 0, stable: true }
    } finally {
      clearTimeout(timer)
      stop.abort()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end()
  }

  private end(): void {
    this.child?.kill('SIGKILL')
    this.child = null
  }

  private async started(): Promise<ChildProcess> {
    if (this.child !== null && this.child.exitCode === null && this.child.signalCode === null) return this.child
    const child = fork(resolve(CHILD), [resolve(this.parser)], {
      execArgv: HEAP_FLAGS,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child.setMaxListeners(50)
    // A body that is sent to a process that is just dying: its end is what is reported.
    child.on('error', () => {})
    this.child = child
    const [first] = (await Promise.race([
      once(child, 'message', { signal: AbortSignal.timeout(START_MS) }),
      once(child, 'exit').then(() => ['the built parser cannot be loaded: node bin/prepare.js']),
    ])) as [string]
    if (first !== 'ready') throw new Error(first)
    return child
  }
}
