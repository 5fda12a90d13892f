import type { Job } from 'bullmq'
import { fingerprintOf } from '../kernel/fingerprint.js'
import type { FailedJob } from './desk.js'
import type { QuarantineBook } from './desk-quarantine.js'
import type { DeskQueues } from './desk-queues.js'
import type { JobPayload } from './driver.js'
import { QUEUES, type QueueName } from './names.js'
import type { QuarantineRecord } from './quarantine.js'

const PAGE = 200

export interface KeptJob extends FailedJob {
  /** Keeps its like from being added twice. */
  readonly dedupeId: string
  /** False for one that only the quarantine knows of. */
  readonly inFailedSet: boolean
}

/** Newest first over all the queues, a page of each in memory. Jobs that are removed meanwhile, by the caller say, leave no gap. */
export async function* failedJobs(queues: DeskQueues, book: QuarantineBook): AsyncGenerator<KeptJob> {
  await queues.ask(() => book.forgetRemoved())
  const sources = [...QUEUES.map(name => failedOf(queues, book, name)), orphaned(queues, book)]
  const heads = await Promise.all(sources.map(source => source.next()))
  for (;;) {
    let newest = -1
    let at = Number.NEGATIVE_INFINITY
    heads.forEach((head, index) => {
      if (head.done === true || head.value.failedAt <= at) return
      at = head.value.failedAt
      newest = index
    })
    const [head, source] = [heads[newest], sources[newest]]
    if (head === undefined || head.done === true || source === undefined) return
    yield head.value
    heads[newest] = await source.next()
  }
}

/** The failed or quarantined job with this id in one of the queues named; null when there is none. */
export async function findFailed(
  queues: DeskQueues,
  book: QuarantineBook,
  id: string,
  names: readonly QueueName[],
): Promise<KeptJob | null> {
  for (const name of names) {
    if ((await queues.redis.zscore(queues.key(name, 'failed'), id)) === null) continue
    const [found] = await readJobs(queues, book, name, [id])
    if (found !== undefined) return found
  }
  const orphan = (await book.orphans()).find(record => record.id === id)
  return orphan === undefined ? null : ofRecord(orphan)
}

async function* failedOf(queues: DeskQueues, book: QuarantineBook, name: QueueName): AsyncGenerator<KeptJob> {
  let before = '+inf'
  // Of one moment there may be more jobs than fit on a page.
  let ofThatMoment = new Set<string>()
  for (;;) {
    const limit = PAGE + ofThatMoment.size
    const listed = await queues.ask(() =>
      queues.redis.zrevrangebyscore(queues.key(name, 'failed'), before, '-inf', 'WITHSCORES', 'LIMIT', 0, limit),
    )
    const scored = listed.flatMap((id, index) => (index % 2 === 0 ? [{ id, score: listed[index + 1] ?? '' }] : []))
    const ids = scored.filter(({ id }) => !ofThatMoment.has(id)).map(({ id }) => id)
    if (ids.length === 0) return
    yield* await queues.ask(() => readJobs(queues, book, name, ids))
    const oldest = scored.at(-1)?.score ?? ''
    before = oldest
    ofThatMoment = new Set(scored.filter(({ score }) => score === oldest).map(({ id }) => id))
  }
}

async function* orphaned(queues: DeskQueues, book: QuarantineBook): AsyncGenerator<KeptJob> {
  for (const record of await queues.ask(() => book.orphans())) yield ofRecord(record)
}

/** Those of the ids that are still there, in their order. */
async function readJobs(queues: DeskQueues, book: QuarantineBook, name: QueueName, ids: readonly string[]): Promise<KeptJob[]> {
  const queue = queues.of(name)
  const jobs = (await Promise.all(ids.map(id => queue.getJob(id)))).filter(job => job !== undefined)
  const records = await book.find(name, jobs.map(dedupeIdOf))
  return Promise.all(
    jobs.map(async (job, index) => {
      const quarantined = records[index]?.id === job.id
      const history = quarantined ? (await queue.getJobLogs(job.id ?? '')).logs : []
      return ofJob(name, job, quarantined, history)
    }),
  )
}

/** A job of the schedule has none: of its name, one that waits is enough. */
function dedupeIdOf(job: Job<JobPayload>): string {
  return job.deduplicationId ?? job.opts.deduplication?.id ?? job.name
}

function ofJob(queue: QueueName, job: Job<JobPayload>, quarantined: boolean, history: readonly string[]): KeptJob {
  const reason = job.failedReason ?? ''
  return {
    queue,
    id: job.id ?? '',
    dedupeId: dedupeIdOf(job),
    name: job.name,
    payload: job.data,
    tenantId: tenantIdOf(job.data),
    reason,
    fingerprint: fingerprintOf(reason),
    attempts: Math.max(job.attemptsMade, job.stalledCounter),
    failedAt: job.finishedOn ?? job.timestamp,
    quarantined,
    history,
    inFailedSet: true,
  }
}

function ofRecord(record: QuarantineRecord): KeptJob {
  return { ...record, fingerprint: fingerprintOf(record.reason), quarantined: true, inFailedSet: false }
}

/** Null for a job that is no tenant's. */
export function tenantIdOf(payload: JobPayload): number | null {
  return typeof payload.tenantId === 'number' ? payload.tenantId : null
}
