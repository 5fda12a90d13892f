import type { QueueName } from './names.js'

/** A job that a worker runs now. */
export interface CardJob {
  readonly queue: QueueName
  readonly id: string
  readonly name: string
  /** Null for a job that is no tenant's. */
  readonly tenantId: number | null
  /** Epoch ms. */
  readonly startedAt: number
}

/** What a worker has done in one of its queues since it began. */
export interface CardQueue {
  readonly name: QueueName
  /** Jobs it may run at the same time. */
  readonly slots: number
  readonly active: number
  /** Jobs it has taken, canaries included: grows as long as it consumes. */
  readonly taken: number
  /** Times it has asked its queue for a job, and was answered: grows as long as it has free slots, also while nothing waits. */
  readonly looks: number
  readonly finished: number
  readonly failed: number
  /** Time its jobs took, all in all, ms: by `finished + failed` it is the mean of one. */
  readonly busyMs: number
  /** Jobs it finished or failed per second, over the last minute. */
  readonly perS: number
  /** Jobs of the last five minutes, for rates of failure. */
  readonly recent: { readonly finished: number; readonly failed: number }
}

/** What a worker process tells of itself, about every second: on the board, and to the supervisor that started it. Times are epoch ms. */
export interface WorkerCard {
  /** `thisProcess()`: `host:pid:token`. */
  readonly id: string
  readonly pid: number
  readonly host: string
  /** Card id of the supervisor that started it; null for one that was started by hand or by systemd. */
  readonly supervisor: string | null
  /** `full`: Redis hands out no jobs, for it has no memory left. */
  readonly state: 'working' | 'paused' | 'full' | 'draining'
  readonly startedAt: number
  readonly seenAt: number
  readonly rssBytes: number
  readonly queues: readonly CardQueue[]
  readonly jobs: readonly CardJob[]
}

/** Why a supervisor has as many workers as it has. */
export interface Scaling {
  /** Epoch ms. */
  readonly at: number
  readonly from: number
  readonly to: number
  /** One line: `sync: 1,200 wait, 95 s to clear, target 30 s`. */
  readonly why: string
}

/** What a supervisor tells of itself. Times are epoch ms. */
export interface SupervisorCard {
  readonly id: string
  readonly pid: number
  readonly host: string
  readonly state: 'working' | 'paused' | 'draining'
  readonly startedAt: number
  readonly seenAt: number
  readonly min: number
  readonly max: number
  /** What `max` is cut down to by the budgets now; equal to it when they allow it all. */
  readonly ceiling: number
  readonly workers: number
  readonly targetWaitS: number
  /** The newest changes, newest first, at most ten. */
  readonly scalings: readonly Scaling[]
}

/** How a worker died: what its supervisor saw. Kept for a day. */
export interface WorkerDeath {
  /** Its card's id. */
  readonly worker: string
  /** Epoch ms. */
  readonly at: number
  /** `killed by SIGKILL`, `exit status 134`. */
  readonly how: string
  /** Of its last card; null when it never had one. */
  readonly rssBytes: number | null
}

/** Where the processes of an installation tell of themselves, and read of each other. What is not renewed for 15 s is gone. */
export interface Board {
  /** @throws {Failure} UNAVAILABLE, like every call */
  putWorker(card: WorkerCard): Promise<void>
  removeWorker(id: string): Promise<void>
  /** In the order of their start. */
  workers(): Promise<WorkerCard[]>
  putSupervisor(card: SupervisorCard): Promise<void>
  removeSupervisor(id: string): Promise<void>
  supervisors(): Promise<SupervisorCard[]>
  noteDeath(death: WorkerDeath): Promise<void>
  /** Null when nobody saw it die. */
  deathOf(worker: string): Promise<WorkerDeath | null>
}
