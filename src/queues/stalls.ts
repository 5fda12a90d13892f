import { wordsOf } from '../kernel/errors.js'
import { holderWords } from '../kernel/holder.js'
import type { Log } from '../kernel/log.js'
import type { WorkerDeath } from './board.js'
import type { QueueName } from './names.js'

/** What became of the worker that had a job when the job's lock ran out. */
export type Fate =
  | { readonly kind: 'died'; readonly how: string }
  /** It was to end, and went while it had the job: Redis was away when it wanted to give it back. */
  | { readonly kind: 'told' }
  /** Nothing is heard of it, and nobody saw it end. */
  | { readonly kind: 'gone' }
  /** It still works: Redis was away, or it was busy for too long to renew the lock. */
  | { readonly kind: 'lives' }

/** How a worker ended that did not die: what is noted of its end where deaths are. */
export const TOLD_TO_STOP = 'told to stop'

const LIVES = 'but lives'
const NOT_GIVEN_BACK = 'was told to stop, and could not give it back'
const NOT_BEGUN = 'this one had not begun'
/** A worker that renewed its card this lately is alive: a card comes every second. */
const ALIVE_MS = 4_000
/** After an outage of Redis the living come back on the board within this. */
const RETURN_MS = 3_000

/** One line of a job's history. `worker`: its card's id; null when nobody knows. `begun`: whether the worker ran the job, and did not only have it. */
export function stallLine(at: number, worker: string | null, fate: Fate, begun: boolean): string {
  const who = worker === null ? 'its worker' : `its worker (${holderWords(worker)})`
  const words = begun || isInnocent(fate) ? fateWords(fate) : `${fateWords(fate)}; it ran another job alone, ${NOT_BEGUN}`
  return `${new Date(at).toISOString()} ${who} ${words}`
}

/** How many workers died of a job that was found without a worker so often: all but those that a line acquits it of. */
export function deathsIn(stalls: number, history: readonly string[]): number {
  const acquitted = history.filter(line => [LIVES, NOT_GIVEN_BACK, NOT_BEGUN].some(words => line.endsWith(words)))
  return Math.max(0, stalls - acquitted.length)
}

/** The jobs of such a worker had no part in its end. */
function isInnocent({ kind }: Fate): boolean {
  return kind === 'lives' || kind === 'told'
}

function fateWords(fate: Fate): string {
  if (fate.kind === 'died') return `died: ${fate.how}`
  if (fate.kind === 'told') return NOT_GIVEN_BACK
  return fate.kind === 'gone' ? 'is gone, and nobody saw how' : `lost hold of it, ${LIVES}`
}

/** What is needed of a queue to find the jobs whose worker is gone: BullMQ's keys and scripts. */
export interface StallQueue {
  readonly name: QueueName
  /** Jobs that were active at the last look, each with the worker that took it; null while another process has looked just now. */
  suspects(): Promise<ReadonlyMap<string, string> | null>
  /** Puts the jobs without a lock back in front of the queue; answers their ids. */
  release(): Promise<readonly string[]>
  note(job: string, line: string): Promise<void>
}

export interface StallParts {
  readonly queues: readonly StallQueue[]
  readonly everyMs: number
  /** Ms since the worker renewed its card; null when it has none. */
  readonly silenceOf: (worker: string) => Promise<number | null>
  readonly deathOf: (worker: string) => Promise<WorkerDeath | null>
  /** The job that the worker runs, or ran when it died, with nothing beside it; null when there is none. */
  readonly aloneIn: (worker: string) => Promise<string | null>
  readonly sleep: (ms: number) => Promise<void>
  readonly log: Log
}

/** Looks, every so often, for jobs whose worker is gone, gives them back, and writes into each one's history what became of the worker. */
export class StallWatch {
  private timer: NodeJS.Timeout | undefined
  private stopped = false

  constructor(private readonly parts: StallParts) {
    void this.look()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  private async look(): Promise<void> {
    for (const queue of this.parts.queues) {
      if (this.stopped) return
      await this.lookAt(queue).catch(error => this.parts.log.debug('looking for lost jobs', { why: wordsOf(error) }))
    }
    if (!this.stopped) this.timer = setTimeout(() => void this.look(), this.parts.everyMs).unref()
  }

  private async lookAt(queue: StallQueue): Promise<void> {
    // Before they are released: whoever takes one next writes its own name over the worker's.
    const takers = await queue.suspects()
    // The turn may come in this very moment: jobs that are released then have no worker to their name.
    if (takers === null) return
    for (const job of await queue.release()) {
      void this.tell(queue, job, takers.get(job) ?? null).catch(error =>
        this.parts.log.debug("a lost job's history could not be written", { job, why: wordsOf(error) }),
      )
    }
  }

  private async tell(queue: StallQueue, job: string, worker: string | null): Promise<void> {
    const at = Date.now()
    const fate: Fate = worker === null ? { kind: 'gone' } : await this.fateOf(worker)
    const alone = worker === null ? null : await this.parts.aloneIn(worker)
    await queue.note(job, stallLine(at, worker, fate, alone === null || alone === job))
    const facts = { queue: queue.name, job, worker: worker === null ? null : holderWords(worker), what: fateWords(fate) }
    this.parts.log.warn('a job without a worker is given to another', facts)
  }

  private async fateOf(worker: string): Promise<Fate> {
    const first = await this.knownFate(worker)
    if (first !== null) return first
    await this.parts.sleep(RETURN_MS)
    return (await this.knownFate(worker)) ?? { kind: 'gone' }
  }

  private async knownFate(worker: string): Promise<Fate | null> {
    const death = await this.parts.deathOf(worker)
    if (death?.how === TOLD_TO_STOP) return { kind: 'told' }
    if (death !== null) return { kind: 'died', how: death.how }
    const silence = await this.parts.silenceOf(worker)
    return silence !== null && silence < ALIVE_MS ? { kind: 'lives' } : null
  }
}
