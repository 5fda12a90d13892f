import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Failure } from '../../kernel/errors.js'

const KILL_AFTER_MS = 3000
/** A generator that is busier than this cannot know whether the server was the slower one. */
const SATURATED = 0.95

export interface Wish {
  readonly id: number
  readonly deed: string
  readonly order: unknown
}

export interface Reply {
  readonly id: number
  readonly result: unknown
  readonly strain: Strain | null
  readonly error: string | null
}

/** How busy a generator was during a deed. */
export interface Strain {
  /** Processor time of all its threads per time, 1 being one core. */
  readonly cpuShare: number
  /** Part of the time in which its event loop was busy. */
  readonly loopShare: number
  readonly loopDelayP99Ms: number
}

export interface Done<Result> {
  readonly result: Result
  readonly strain: Strain
}

/** A generator of load in a process of its own. It ends with this process at the latest. */
export class LoadProcess implements AsyncDisposable {
  private last = 0
  private readonly waiting = new Map<number, (reply: Reply) => void>()
  private readonly gone: Promise<never>

  private constructor(
    private readonly child: ChildProcess,
    signal: AbortSignal,
  ) {
    const stop = () => void child.kill('SIGTERM')
    signal.addEventListener('abort', stop, { once: true })
    child.once('exit', () => signal.removeEventListener('abort', stop))
    child.on('message', (reply: Reply) => {
      this.waiting.get(reply.id)?.(reply)
      this.waiting.delete(reply.id)
    })
    this.gone = once(child, 'exit').then(([exit]) =>
      Promise.reject(new Failure('UNAVAILABLE', `a load generator ended with ${exit ?? 'a signal'}`)),
    )
    this.gone.catch(() => {})
  }

  /** @param signal ends it, and what it does; `stdout`: whether it has a pipe to write to, else nothing. @throws {Failure} UNAVAILABLE when feedctl is not built; the signal's reason */
  static start(signal: AbortSignal, stdout: 'ignore' | 'pipe' = 'ignore'): LoadProcess {
    signal.throwIfAborted()
    const bin = createRequire(import.meta.url).resolve('#bin')
    const entry = fileURLToPath(new URL('../dist/src/bench/api/process.js', pathToFileURL(bin)))
    if (!existsSync(entry)) throw new Failure('UNAVAILABLE', 'feedctl is not built', { hint: 'npm run build' })
    // Advanced: what is told has arrays of numbers that JSON makes objects of.
    const child = fork(entry, [], { stdio: ['ignore', stdout, 'inherit', 'ipc'], serialization: 'advanced' })
    return new LoadProcess(child, signal)
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  /** What it writes to its stdout; for another process to read. */
  get out(): Readable {
    if (this.child.stdout === null) throw new Error('a load generator without a pipe')
    return this.child.stdout
  }

  /** Lets it do a deed. @throws {Failure} UNAVAILABLE with what went wrong there */
  async run<Result>(deed: string, order: unknown): Promise<Done<Result>> {
    this.last += 1
    const wish: Wish = { id: this.last, deed, order }
    const replied = new Promise<Reply>(resolve => this.waiting.set(wish.id, resolve))
    if (this.child.connected) this.child.send(wish)
    const { result, strain, error } = await Promise.race([replied, this.gone])
    if (error !== null || strain === null) throw new Failure('UNAVAILABLE', `a load generator failed: ${error}`)
    return { result: result as Result, strain }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { child } = this
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
    child.kill('SIGTERM')
    await ended
    clearTimeout(timer)
  }
}

/** Why what a generator measured says nothing of the server; nothing when it does. */
export function saturation({ cpuShare, loopShare }: Strain): string[] {
  if (loopShare < SATURATED && cpuShare < SATURATED) return []
  const busy = Math.round(Math.max(cpuShare, loopShare) * 100)
  return [`the load generator was saturated (${busy} % busy): the server could have done more`]
}
