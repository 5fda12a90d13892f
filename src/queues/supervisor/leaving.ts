import type { Log } from '../../kernel/log.js'
import type { WorkerProcess } from './worker-process.js'

/** After its drain deadline a worker may still hand back and say what it did. */
const LAST_WORDS_MS = 10_000

export interface Patience {
  /** How long a stopping worker may finish what it has begun. */
  readonly drainMs: number
  /** How long one that is not needed any more may do so: no job takes longer. */
  readonly jobMs: number
}

/** A worker process on its way out. Gently: it takes no new job, and is told to stop when it is idle, so that no job is interrupted. */
export class Leaving {
  private toldAt: number | null = null
  /** It did not end by itself when it was told to. */
  killed = false
  private readonly since = Date.now()

  constructor(
    readonly process: WorkerProcess,
    private readonly gently: boolean,
    private readonly patience: Patience,
    private readonly log: Log,
    private readonly start: number,
  ) {
    if (gently) process.tell('pause')
    else this.stop(start)
  }

  /** Does what is due. */
  step(now: number): void {
    if (this.toldAt === null && (this.isIdle() || now - this.start >= this.patience.jobMs)) this.stop(now)
    if (this.toldAt === null || this.killed || now - this.toldAt < this.patience.drainMs + LAST_WORDS_MS) return
    this.killed = true
    this.log.warn('a worker did not stop in time, and is killed', { pid: this.process.pid })
    this.process.signal('SIGKILL')
  }

  /** From now on the drain deadline counts, gentle or not. Calm when done twice. */
  stop(now: number): void {
    if (this.toldAt !== null) return
    this.toldAt = now
    this.process.signal('SIGTERM')
  }

  private isIdle(): boolean {
    const { card } = this.process
    if (!this.gently || card === null) return card === null
    return (
      card.seenAt > this.since &&
      card.state !== 'working' &&
      card.state !== 'full' &&
      card.queues.every(queue => queue.active === 0)
    )
  }
}
