import { tenantIdOf } from './desk-failed.js'
import type { QuarantineBook } from './desk-quarantine.js'
import { answersOf, type DeskQueues } from './desk-queues.js'
import type { JobPayload } from './driver.js'
import { QUEUES, type QueueName } from './names.js'

const PAGE = 500
/** In this order no job slips through: what is delayed may come to wait, and what waits may run and fail meanwhile. */
const STATES = ['delayed', 'prioritized', 'wait', 'failed'] as const
/** The next job of a schedule is no tenant's. */
const OF_SCHEDULE = 'repeat:'

export interface TenantJob {
  readonly queue: QueueName
  readonly id: string
  readonly tenantId: number
}

/**
 * The jobs that wait or have failed and are some tenant's, a page at a time. Whoever removes some of a page says how many before asking for the next one:
 * then none is passed over.
 */
export async function* tenantJobs(queues: DeskQueues): AsyncGenerator<readonly TenantJob[], void, number | undefined> {
  for (const queue of QUEUES) {
    for (const state of STATES) {
      for (let from = 0; ; ) {
        const ids = await listed(queues, queue, state, from)
        if (ids.length === 0) break
        const removed = yield await jobsAmong(queues, queue, ids)
        from += ids.length - (removed ?? 0)
      }
    }
  }
}

/** Removes the jobs of these tenants, failed and quarantined ones too, but for those that run; answers how many each had. */
export async function removeTenantJobs(
  queues: DeskQueues,
  book: QuarantineBook,
  ids: ReadonlySet<number>,
): Promise<ReadonlyMap<number, number>> {
  const removed = new Map<number, number>()
  const note = (tenantId: number) => removed.set(tenantId, (removed.get(tenantId) ?? 0) + 1)
  for (const queue of QUEUES) await dropFollowers(queues, queue, ids, note)
  const jobs = tenantJobs(queues)
  for (let page = await jobs.next(); page.done !== true; ) {
    const own = page.value.filter(({ tenantId }) => ids.has(tenantId))
    const gone = await Promise.all(own.map(({ queue, id }) => queues.of(queue).remove(id)))
    own.forEach(({ tenantId }, index) => {
      if (gone[index] === 1) note(tenantId)
    })
    page = await jobs.next(gone.reduce((sum, count) => sum + count, 0))
  }
  await book.forgetTenants(ids, note)
  return removed
}

/** One job of each id may wait for the end of the one that runs: it is in no list, and joins one then. */
async function dropFollowers(
  queues: DeskQueues,
  queue: QueueName,
  ids: ReadonlySet<number>,
  note: (tenantId: number) => unknown,
): Promise<void> {
  const active = await queues.redis.lrange(queues.key(queue, 'active'), 0, -1)
  for (const { id, tenantId } of await jobsAmong(queues, queue, active)) {
    const dedupeId = ids.has(tenantId) ? await queues.redis.hget(queues.key(queue, id), 'deid') : null
    if (dedupeId !== null && (await queues.redis.del(queues.key(queue, `dn:${dedupeId}`))) > 0) note(tenantId)
  }
}

/** From the end where jobs are added: those that come or go meanwhile shift none out of sight. */
function listed(queues: DeskQueues, queue: QueueName, state: (typeof STATES)[number], from: number): Promise<string[]> {
  const [key, to] = [queues.key(queue, state), from + PAGE - 1]
  return state === 'wait' ? queues.redis.lrange(key, from, to) : queues.redis.zrevrange(key, from, to)
}

async function jobsAmong(queues: DeskQueues, queue: QueueName, listedIds: readonly string[]): Promise<TenantJob[]> {
  const ids = listedIds.filter(id => !id.startsWith(OF_SCHEDULE))
  const pipeline = queues.redis.pipeline()
  for (const id of ids) pipeline.hget(queues.key(queue, id), 'data')
  const payloads = ids.length === 0 ? [] : await answersOf(pipeline)
  return ids.flatMap((id, index) => {
    const data = payloads[index]
    const tenantId = typeof data === 'string' ? tenantIdOf(JSON.parse(data) as JobPayload) : null
    return tenantId === null ? [] : [{ queue, id, tenantId }]
  })
}
