import type { Board } from './board.js'
import type { CanaryAnswer, FailedJob, QueueCounts, QueueDesk, QueueHealth, RetryEnd } from './desk.js'
import { sendCanary } from './desk-canary.js'
import { countQueues } from './desk-counts.js'
import { drainQueue } from './desk-drain.js'
import { failedJobs, findFailed } from './desk-failed.js'
import { judgeHealth, workersOf } from './desk-health.js'
import { QuarantineBook, type RemovedTenants } from './desk-quarantine.js'
import { DeskQueues } from './desk-queues.js'
import { removeTenantJobs, tenantJobs } from './desk-tenants.js'
import type { JobRequest } from './driver.js'
import { QUEUES, type QueueName } from './names.js'
import { bullJob, type RedisQueueOptions } from './redis.js'

/** The queues of BullMQ as an operator handles them. */
export class RedisDesk implements QueueDesk {
  private readonly queues: DeskQueues
  private readonly book: QuarantineBook

  /** `removed`: of whose tenants' jobs none is kept in quarantine; without it, all are. */
  constructor(options: RedisQueueOptions, removed: RemovedTenants = async () => new Set()) {
    this.queues = new DeskQueues(options)
    this.book = new QuarantineBook(this.queues, removed)
  }

  counts(): Promise<QueueCounts[]> {
    return this.queues.ask(() => countQueues(this.queues, this.book, Date.now()))
  }

  failed(): AsyncIterable<FailedJob> {
    return failedJobs(this.queues, this.book)
  }

  find(id: string): Promise<FailedJob | null> {
    return this.queues.ask(() => findFailed(this.queues, this.book, id, QUEUES))
  }

  /** Killed between its steps, the job is added and still listed as failed: retrying it again is harmless. */
  retry({ id, queue }: FailedJob): Promise<RetryEnd> {
    return this.queues.ask(async () => {
      const kept = await findFailed(this.queues, this.book, id, [queue])
      if (kept === null || (await this.book.holdsAnother(queue, kept.dedupeId, id))) return 'left-out'
      const { name, payload, dedupeId, quarantined, inFailedSet } = kept
      const isAdded = await this.add({ queue, name, payload, dedupeId })
      const lifted = quarantined ? this.book.lift(queue, dedupeId) : null
      await Promise.all([lifted, inFailedSet ? this.queues.of(queue).remove(id) : null])
      return isAdded ? 'retried' : 'already-queued'
    })
  }

  forget({ id, queue }: FailedJob): Promise<boolean> {
    return this.queues.ask(async () => {
      const kept = await findFailed(this.queues, this.book, id, [queue])
      if (kept === null) return false
      if (kept.inFailedSet) await this.queues.of(queue).remove(id)
      // A failure of its own from before says nothing about the one in quarantine.
      if (kept.quarantined) await this.book.lift(queue, kept.dedupeId)
      return true
    })
  }

  /** False when its like waits already. While that runs, this one follows it. */
  private async add(job: JobRequest): Promise<boolean> {
    const { queue, dedupeId } = job
    const bull = bullJob(job)
    const [made] = await this.queues.of(queue).addBulk([bull])
    if (made?.id === bull.opts.jobId) return true
    return (await this.queues.redis.hget(this.queues.key(queue, `dn:${dedupeId}`), 'jid')) === bull.opts.jobId
  }

  pause(queue: QueueName): Promise<void> {
    return this.queues.ask(() => this.queues.of(queue).pause())
  }

  resume(queue: QueueName): Promise<void> {
    return this.queues.ask(() => this.queues.of(queue).resume())
  }

  drain(queue: QueueName, tenantId: number | null): Promise<number> {
    return this.queues.ask(() => drainQueue(this.queues, queue, tenantId))
  }

  removeTenants(ids: ReadonlySet<number>): Promise<ReadonlyMap<number, number>> {
    return this.queues.ask(() => removeTenantJobs(this.queues, this.book, ids))
  }

  async *tenants(): AsyncGenerator<readonly number[]> {
    await this.queues.ask(async () => {})
    for await (const jobs of tenantJobs(this.queues)) yield [...new Set(jobs.map(({ tenantId }) => tenantId))]
  }

  canary(queue: QueueName, withinMs: number, signal: AbortSignal): Promise<CanaryAnswer> {
    return this.queues.ask(() => sendCanary(this.queues, queue, withinMs, signal))
  }

  async health(queue: QueueName, board: Board, withinMs: number, signal: AbortSignal): Promise<QueueHealth> {
    const before = workersOf(queue, await board.workers())
    if (before.length === 0) return { queue, consuming: false, afterMs: null, why: 'no worker' }
    const answer = await this.canary(queue, withinMs, signal)
    const after = answer.kind === 'silent' ? await board.workers() : before
    return judgeHealth({ queue, withinMs, answer, before, after })
  }

  close(): Promise<void> {
    return this.queues.close()
  }
}
