import type { WorkerCard } from './board.js'
import type { QueueName } from './names.js'

/** How a worker consumes. */
export interface WorkSettings {
  readonly queues: readonly QueueName[]
  /** Jobs of one queue that run at the same time. */
  readonly concurrency: number
  readonly tries: number
  /** Limits after which the worker ends by itself; null is none. */
  readonly maxJobs: number | null
  readonly maxTimeMs: number | null
  readonly memoryBytes: number | null
  /** Card id of the supervisor that started this process; null for none. */
  readonly supervisor: string | null
  /** It takes no job before `resume`. */
  readonly paused: boolean
  /** Told what the worker tells the board, also while Redis is away. */
  readonly tell: (card: WorkerCard) => void
}

/** How jobs run in this process. */
export interface InlineSettings {
  readonly concurrency: number
  readonly tries: number
  /** How long a job that was told to stop may take for it. */
  readonly graceMs: number
}
