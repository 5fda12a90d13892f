import { tenantIdOf } from './desk-failed.js'
import { answersOf, type DeskQueues } from './desk-queues.js'
import type { JobPayload } from './driver.js'
import type { QueueName } from './names.js'

const PAGE = 500
/** In this order no job slips through: what is delayed may come to wait meanwhile, at the head, where the last walk begins. */
const STATES = ['delayed', 'prioritized', 'wait'] as const
/** The next job of a schedule: it would never fire again without. */
const OF_SCHEDULE = 'repeat:'

/** Removes what waits, of one tenant or all, with all that keeps its like from being added; answers how many jobs there were. */
export async function drainQueue(queues: DeskQueues, name: QueueName, tenantId: number | null): Promise<number> {
  let drained = await dropFollowers(queues, name, tenantId)
  for (const state of STATES) {
    let kept = 0
    for (;;) {
      const ids = await idsOf(queues, name, state, kept)
      if (ids.length === 0) break
      const removed = await removeAll(queues, name, await matching(queues, name, ids, tenantId))
      drained += removed
      kept += ids.length - removed
    }
  }
  return drained
}

/** One job of each id may wait for the end of the one that runs: it is in no list, and joins one then. */
async function dropFollowers(queues: DeskQueues, name: QueueName, tenantId: number | null): Promise<number> {
  const active = await queues.redis.lrange(queues.key(name, 'active'), 0, -1)
  const ids = await matching(queues, name, active, tenantId)
  const pipeline = queues.redis.pipeline()
  for (const id of ids) pipeline.hget(queues.key(name, id), 'deid')
  const dedupeIds = (await answersOf(pipeline)).filter(id => typeof id === 'string')
  const dropped = await Promise.all(dedupeIds.map(id => queues.redis.del(queues.key(name, `dn:${id}`))))
  return dropped.reduce((sum, count) => sum + count, 0)
}

/** From the end where jobs are added: those that come or go meanwhile shift none out of sight. */
function idsOf(queues: DeskQueues, name: QueueName, state: (typeof STATES)[number], from: number): Promise<string[]> {
  const [key, to] = [queues.key(name, state), from + PAGE - 1]
  return state === 'wait' ? queues.redis.lrange(key, from, to) : queues.redis.zrevrange(key, from, to)
}

async function matching(
  queues: DeskQueues,
  name: QueueName,
  listed: readonly string[],
  tenantId: number | null,
): Promise<string[]> {
  const ids = listed.filter(id => !id.startsWith(OF_SCHEDULE))
  if (tenantId === null) return ids
  const pipeline = queues.redis.pipeline()
  for (const id of ids) pipeline.hget(queues.key(name, id), 'data')
  const payloads = await answersOf(pipeline)
  return ids.filter((_, index) => {
    const data = payloads[index]
    return typeof data === 'string' && tenantIdOf(JSON.parse(data) as JobPayload) === tenantId
  })
}

/** A job that a worker has taken meanwhile is locked, and stays. */
async function removeAll(queues: DeskQueues, name: QueueName, ids: readonly string[]): Promise<number> {
  const removed = await Promise.all(ids.map(id => queues.of(name).remove(id)))
  return removed.reduce((sum, count) => sum + count, 0)
}
