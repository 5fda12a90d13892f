import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { z } from 'zod'
import { FAILURES, Failure, type FailureCode } from '../../kernel/errors.js'
import type { Usage } from './usage.js'

const KILL_AFTER_MS = 30_000
const COMPLAINT_LINES = 20
const ERROR = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }) })

/** Where children run and with what: their whole environment, and a folder without a `.env`. */
export interface ChildPlace {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
}

export interface ChildEnd {
  /** Null when a signal ended it. */
  readonly exit: number | null
  readonly out: string
  /** Its last lines on stderr, progress left out. */
  readonly complaint: readonly string[]
  /** From its start to its end. */
  readonly wallMs: number
  /** Nulls when it was killed. */
  readonly usage: Usage
}

/** A feedctl in a process of its own. It ends with this process at the latest. */
export class FeedctlChild {
  readonly pid: number
  readonly ended: Promise<ChildEnd>
  private over = false

  private constructor(
    private readonly child: ChildProcess,
    onLine: (line: string) => void,
  ) {
    this.pid = child.pid ?? 0
    this.ended = this.follow(onLine)
    // Who never asks how it ended shall not be ended by it.
    this.ended.catch(() => {})
  }

  /** Starts the built feedctl; `onLine` sees its stderr, `stdin` is what it reads, a pipe from elsewhere. @throws {Failure} UNAVAILABLE when it is not built */
  static start(
    argv: readonly string[],
    place: ChildPlace,
    onLine: (line: string) => void,
    stdin: Readable | 'ignore' = 'ignore',
  ): FeedctlChild {
    const { attendant, bin } = entries()
    const child = spawn(process.execPath, [attendant, bin, ...argv], {
      cwd: place.folder,
      env: { ...place.env },
      stdio: [stdin, 'pipe', 'pipe', 'pipe'],
    })
    return new FeedctlChild(child, onLine)
  }

  get alive(): boolean {
    return !this.over
  }

  /** Asks it to end, kills it when it does not, and returns when it is gone. Twice is calm. */
  async stop(): Promise<void> {
    if (this.over) return
    this.child.kill('SIGTERM')
    const timer = setTimeout(() => this.child.kill('SIGKILL'), KILL_AFTER_MS)
    await this.ended
    clearTimeout(timer)
  }

  private async follow(onLine: (line: string) => void): Promise<ChildEnd> {
    const begun = performance.now()
    const exited = new Promise<{ exit: number | null; wallMs: number }>((resolve, reject) => {
      this.child.once('error', reject)
      this.child.once('exit', exit => {
        this.over = true
        resolve({ exit, wallMs: performance.now() - begun })
      })
    })
    const { stdout, stderr, stdio } = this.child
    const lifeline = stdio[3]
    if (stdout === null || stderr === null || !(lifeline instanceof Readable)) throw new Error('a child without pipes')
    const complaint: string[] = []
    const lines = createInterface({ input: stderr }).on('line', line => {
      onLine(line)
      if (line.startsWith('{"progress":')) return
      complaint.push(line)
      if (complaint.length > COMPLAINT_LINES) complaint.shift()
    })
    const told = new Promise(resolve => lines.once('close', resolve))
    const [end, printed, account] = await Promise.all([exited, text(stdout), text(lifeline), told])
    return { ...end, out: printed, complaint, usage: usageIn(account) }
  }
}

/** Why feedctl ended, in its own words and under its own code where it said so. */
export function failureOf(what: string, end: ChildEnd): Failure {
  const said = end.complaint.findLast(line => line.startsWith('{"error":'))
  const error = said === undefined ? null : ERROR.safeParse(JSON.parse(said)).data?.error
  const why = error?.message ?? (end.complaint.slice(-3).join(' | ') || 'it said nothing that can be read')
  const code = Object.keys(FAILURES).find(one => one === error?.code) as FailureCode | undefined
  const hint = error?.hint ?? null
  const message = `${what} ended with ${end.exit ?? 'a signal'}: ${why}`
  return new Failure(code ?? 'UNAVAILABLE', message, hint === null ? {} : { hint })
}

function usageIn(account: string): Usage {
  return account === '' ? { cpuS: null, peakRssBytes: null } : (JSON.parse(account) as Usage)
}

function entries(): { bin: string; attendant: string } {
  const bin = createRequire(import.meta.url).resolve('#bin')
  const attendant = fileURLToPath(new URL('../dist/src/bench/sync/attendant.js', pathToFileURL(bin)))
  if (!existsSync(attendant)) throw new Failure('UNAVAILABLE', 'feedctl is not built', { hint: 'npm run build' })
  return { bin, attendant }
}
