import { readdirSync, readFileSync } from 'node:fs'
import { holderIsGone } from '../../kernel/holder.js'
import type { Log } from '../../kernel/log.js'
import type { WorkerCard } from '../board.js'

/** After its drain deadline an orphan may still hand back. */
const LAST_WORDS_MS = 5_000
const SCAN_EVERY_MS = 10_000

interface Orphan {
  readonly pid: number
  readonly supervisor: string
  readonly killAt: number
}

/** The processes of this machine, as far as the system tells of them. */
export interface Processes {
  readonly pids: () => readonly number[]
  /** The words of its command line; null when there is no such process. */
  readonly commandOf: (pid: number) => readonly string[] | null
  readonly isGone: (holder: string) => boolean
  readonly signal: (pid: number, name: NodeJS.Signals) => void
}

const THIS_MACHINE: Processes = {
  pids: allPids,
  commandOf: commandLineOf,
  isGone: holderIsGone,
  signal: (pid, name) => void process.kill(pid, name),
}

/**
 * Workers of this machine whose supervisor died: they drain by themselves, but one that is stopped or blocked does not. They are found by
 * their cards, and among all processes: the card of one that is stopped is soon gone.
 */
export class Orphans {
  private readonly known = new Map<string, Orphan>()
  private scannedAt = Number.NEGATIVE_INFINITY

  /** `installation`: on the command lines of its workers. */
  constructor(
    private readonly drainMs: number,
    private readonly installation: string,
    private readonly log: Log,
    private readonly processes: Processes = THIS_MACHINE,
  ) {}

  /** Does what is due; `cards` are those of the board. */
  step(now: number, cards: readonly WorkerCard[]): void {
    for (const { pid, supervisor, state } of cards) if (supervisor !== null) this.meet(now, pid, supervisor, state === 'draining')
    if (now - this.scannedAt >= SCAN_EVERY_MS) this.scan(now)
    for (const [key, orphan] of this.known) {
      if (!this.isWorker(orphan)) this.known.delete(key)
      else if (now >= orphan.killAt) {
        this.known.delete(key)
        this.log.warn('an orphan worker did not stop in time, and is killed', { pid: orphan.pid })
        this.send(orphan.pid, 'SIGKILL')
      }
    }
  }

  private scan(now: number): void {
    this.scannedAt = now
    for (const pid of this.processes.pids()) {
      const words = this.processes.commandOf(pid) ?? []
      if (wordAfter('--installation', words) !== this.installation) continue
      const supervisor = wordAfter('--supervisor', words)
      if (supervisor !== undefined) this.meet(now, pid, supervisor, false)
    }
  }

  private meet(now: number, pid: number, supervisor: string, drains: boolean): void {
    const key = `${pid} of ${supervisor}`
    if (this.known.has(key) || !this.processes.isGone(supervisor)) return
    const orphan = { pid, supervisor, killAt: now + this.drainMs + LAST_WORDS_MS }
    if (!this.isWorker(orphan)) return
    this.known.set(key, orphan)
    this.log.warn('a worker whose supervisor has died is told to stop', { pid })
    if (!drains) this.send(pid, 'SIGTERM')
  }

  /** Whether the number still belongs to that worker: numbers are given again. */
  private isWorker({ pid, supervisor }: Orphan): boolean {
    const words = this.processes.commandOf(pid) ?? []
    const work = words.indexOf('work')
    return work > 0 && words[work - 1] === 'queue' && wordAfter('--supervisor', words) === supervisor
  }

  private send(pid: number, name: NodeJS.Signals): void {
    try {
      this.processes.signal(pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') this.log.warn('an orphan worker', { pid, why: String(error) })
    }
  }
}

function wordAfter(flag: string, words: readonly string[]): string | undefined {
  const at = words.indexOf(flag)
  return at < 0 ? undefined : words[at + 1]
}

/** None where the system does not list them. */
function allPids(): number[] {
  try {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return []
  }
}

/** Null when there is no such process, or the system does not tell. */
function commandLineOf(pid: number): string[] | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return null
  }
}
