import type { QueueCounts } from './desk.js'
import type { QuarantineBook } from './desk-quarantine.js'
import { answersOf, type DeskQueues } from './desk-queues.js'
import { QUEUES, type QueueName } from './names.js'

/** Jobs at the end of a queue that are looked at: the very last may be a canary, or one that was there before and waits again. */
const LOOKED_AT = 4

/** Counts of every queue, in a few round trips that take as long for a million jobs as for one. */
export async function countQueues(queues: DeskQueues, book: QuarantineBook, now: number): Promise<QueueCounts[]> {
  await book.forgetRemoved()
  const found = await lengths(queues)
  const [oldest, orphans] = await Promise.all([longestWaits(queues, found, now), book.orphans()])
  return found.map(({ name, waiting, active, delayed, failed, paused }, index) => {
    const givenUp = orphans.filter(({ queue }) => queue === name).length
    return { name, waiting, active, delayed, failed: failed + givenUp, paused, oldestWaitMs: oldest[index] ?? 0 }
  })
}

type Lengths = Omit<QueueCounts, 'oldestWaitMs'> & { readonly next: readonly string[] }

async function lengths(queues: DeskQueues): Promise<Lengths[]> {
  const pipeline = queues.redis.pipeline()
  for (const name of QUEUES) {
    const key = (part: string) => queues.key(name, part)
    pipeline.llen(key('wait')).zcard(key('prioritized')).llen(key('active')).zcard(key('delayed')).zcard(key('failed'))
    pipeline.hexists(key('meta'), 'paused').lrange(key('wait'), -LOOKED_AT, -1)
  }
  const answers = await answersOf(pipeline)
  const each = answers.length / QUEUES.length
  return QUEUES.map((name, index) => standing(name, answers.slice(index * each, (index + 1) * each)))
}

function standing(name: QueueName, answers: readonly unknown[]): Lengths {
  const [wait = 0, prioritized = 0, active = 0, delayed = 0, failed = 0, paused = 0] = answers.map(Number)
  const next = answers.at(-1) as string[]
  return { name, waiting: wait + prioritized, active, delayed, failed, paused: paused === 1, next }
}

async function longestWaits(queues: DeskQueues, found: readonly Lengths[], now: number): Promise<number[]> {
  const pipeline = queues.redis.pipeline()
  for (const { name, next } of found) {
    for (const id of next) pipeline.hmget(queues.key(name, id), 'timestamp', 'processedOn')
  }
  const times = (await answersOf(pipeline)) as (string | null)[][]
  return found.map(({ next }) => {
    const waits = next.map(id => {
      const [addedAt = null, takenAt = null] = times.shift() ?? []
      return waitedMs(id, addedAt, takenAt, now)
    })
    return Math.max(0, ...waits)
  })
}

/**
 * A job that was taken before has waited since then at most, and one of a schedule, which was added long before, since it is due: its id
 * says when. 0 for one that is gone, and where clocks differ.
 */
export function waitedMs(id: string, addedAt: string | null, takenAt: string | null, now: number): number {
  if (addedAt === null) return 0
  const plannedAt = /^repeat:.+:(\d+)$/.exec(id)?.[1]
  return Math.max(0, now - Math.max(Number(addedAt), Number(takenAt ?? 0), Number(plannedAt ?? 0)))
}
