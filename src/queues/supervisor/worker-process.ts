import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { z } from 'zod'
import { FAILURES, Failure, type FailureCode } from '../../kernel/errors.js'
import type { Log, LogLevel } from '../../kernel/log.js'
import type { WorkerCard } from '../board.js'
import type { WorkerEnd } from '../driver.js'
import { QUEUES, type QueueName } from '../names.js'
import type { ProcessEnd } from './restarts.js'

/** How worker processes are started. */
export interface WorkerCommand {
  /** Node, the program and its flags, without those that differ from worker to worker. */
  readonly argv: readonly [string, ...string[]]
  /** Of the supervisor, without what is for it alone. */
  readonly env: Readonly<Record<string, string | undefined>>
}

const REPORT = z.object({
  finished: z.number(),
  failed: z.number(),
  handed_back: z.number(),
  interrupted: z.array(z.object({ queue: z.enum(QUEUES), id: z.string(), name: z.string(), tenant_id: z.number().nullable() })),
})
const REFUSAL = z.object({ error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }) })
const LOG_LINE = /^\S+Z (debug|info|warn|error) (.*)$/

/** The end of a worker process, with all it had to say. */
export interface WorkerProcessEnd extends ProcessEnd {
  /** `killed by SIGKILL`, `exit status 134`. */
  readonly how: string
  /** What it did, from its last words or, when it had none, from its last card: then its jobs count as interrupted. */
  readonly report: WorkerEnd
  /** Why it gave up, in its words; null when it had none. */
  readonly failure: Failure | null
}

/** A worker process of this supervisor. Its log lines go on in the supervisor's log. */
export class WorkerProcess {
  /** Null before it has told of itself. */
  card: WorkerCard | null = null
  readonly ended: Promise<WorkerProcessEnd>
  readonly pid: number
  private readonly child: ChildProcess
  private readonly startedAt = performance.now()
  private out = ''
  private failure: Failure | null = null

  /** `queues`: what it consumes. `paused`: it takes no job before it is told to. */
  constructor(
    command: WorkerCommand,
    { queues, paused }: { queues: readonly QueueName[]; paused: boolean },
    private readonly log: Log,
  ) {
    const [program, ...args] = command.argv
    // In a session of its own: Ctrl-C is for the supervisor, which tells its workers once.
    this.child = spawn(program, [...args, '--queue', queues.join(','), ...(paused ? ['--paused'] : [])], {
      env: command.env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    })
    this.pid = this.child.pid ?? 0
    this.child.on('message', message => {
      if (isCardMessage(message)) this.card = message.card
    })
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString()
    })
    if (this.child.stderr !== null) this.passOn(this.child.stderr)
    this.ended = new Promise(resolve => {
      this.child.on('error', error => {
        // A signal or a message that came too late is no end; a process that never began is.
        if (this.child.pid === undefined) resolve(this.endWith(null, `not started: ${error.message}`))
      })
      this.child.on('close', (exit, signal) => {
        resolve(this.endWith(exit, signal === null ? `exit status ${exit}` : `killed by ${signal}`))
      })
    })
  }

  /** Whether it consumes, or has. */
  get told(): boolean {
    return this.card !== null
  }

  get livedMs(): number {
    return performance.now() - this.startedAt
  }

  /** Jobs that it has finished or failed, by its newest card. */
  get jobs(): number {
    return (this.card?.queues ?? []).reduce((sum, queue) => sum + queue.finished + queue.failed, 0)
  }

  tell(what: 'pause' | 'resume'): void {
    if (this.child.connected) this.child.send({ do: what }, () => {})
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name)
  }

  private endWith(exit: number | null, how: string): WorkerProcessEnd {
    const report = this.report()
    const jobs = report.finished + report.failed
    return { exit, how, livedMs: this.livedMs, jobs, report, failure: this.failure }
  }

  private report(): WorkerEnd {
    const said = REPORT.safeParse(parsed(this.out))
    if (said.success) {
      const { finished, failed, handed_back: handedBack } = said.data
      return {
        finished,
        failed,
        handedBack,
        interrupted: said.data.interrupted.map(({ tenant_id: tenantId, ...job }) => ({ ...job, tenantId })),
      }
    }
    const sum = (count: 'finished' | 'failed') => (this.card?.queues ?? []).reduce((all, queue) => all + queue[count], 0)
    const interrupted = (this.card?.jobs ?? []).map(({ queue, id, name, tenantId }) => ({ queue, id, name, tenantId }))
    return { finished: sum('finished'), failed: sum('failed'), handedBack: 0, interrupted }
  }

  private passOn(stderr: Readable): void {
    createInterface({ input: stderr }).on('line', line => {
      const refusal = REFUSAL.safeParse(parsed(line))
      if (refusal.success) {
        const { code, message, hint } = refusal.data.error
        const known = code in FAILURES ? (code as FailureCode) : 'UNAVAILABLE'
        this.failure = new Failure(known, message, hint === null ? {} : { hint })
        return
      }
      const [, level = 'warn', words = line] = LOG_LINE.exec(line) ?? []
      this.log[level as LogLevel](`worker ${this.pid}: ${words}`)
    })
  }
}

function isCardMessage(message: unknown): message is { card: WorkerCard } {
  return typeof message === 'object' && message !== null && 'card' in message
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
