import { type FailedJob, QUEUES, type QueueDesk } from '../../queues/index.js'
import { type Check, fail, ok, queueOnRedis, type Severity, type Verdict, warn } from '../check.js'
import { counted, some, timeWords } from '../words.js'

const CANARY_MS = 4_000
const MANY_FAILED = 100
const DAY_MS = 86_400_000

/** How one queue is seen. */
export interface QueueSight {
  readonly waiting: number
  readonly paused: boolean
  /** Workers that say they consume it. */
  readonly workers: number
  readonly health: Awaited<ReturnType<QueueDesk['health']>>
}

export const queuesConsuming: Check = {
  id: 'queues.consuming',
  applies: queueOnRedis,
  run: async parts => {
    const [desk, board, cards] = [await parts.desk(), await parts.board(), await parts.workers()]
    const sights = (await desk.counts()).map(async ({ name, waiting, paused }) => {
      const workers = cards.filter(card => card.queues.some(queue => queue.name === name)).length
      return { waiting, paused, workers, health: await desk.health(name, board, CANARY_MS, parts.signal) }
    })
    return judgeQueues(await Promise.all(sights))
  },
}

const START = 'feedctl queue supervise'

/** The worst of what is seen, and all of it in words. */
export function judgeQueues(sights: readonly QueueSight[]): Verdict {
  if (sights.every(({ workers }) => workers === 0)) return fail('no worker consumes any queue', START)
  const said = sights.map(sight => ({ sight, ...sayQueue(sight) }))
  const worst = said.find(({ severity }) => severity === 'fail') ?? said.find(({ severity }) => severity === 'warn')
  if (worst !== undefined) {
    const words = said.filter(({ severity }) => severity !== 'ok').map(({ words }) => words)
    return { severity: worst.severity, evidence: some(words, QUEUES.length), fix: worst.fix }
  }
  return ok(
    some(
      said.map(({ words }) => words),
      QUEUES.length,
    ),
  )
}

function sayQueue({ waiting, paused, workers, health }: QueueSight): { severity: Severity; words: string; fix: string | null } {
  const { queue, consuming, afterMs, why } = health
  if (paused) return { severity: 'warn', words: `${queue} is paused`, fix: `feedctl queue resume --queue ${queue}` }
  if (workers === 0) {
    // What has no work, nobody needs to be there for.
    const severity = waiting > 0 || queue === 'sync' ? 'fail' : 'warn'
    return { severity, words: `nobody consumes ${queue} (${waiting} wait)`, fix: `feedctl queue work --queue ${queue}` }
  }
  if (!consuming) return { severity: 'fail', words: `${queue}: ${why}`, fix: 'feedctl queue status --health' }
  return { severity: 'ok', words: afterMs === null ? `${queue}: ${why}` : `${queue} answers in ${timeWords(afterMs)}`, fix: null }
}

export const queuesQuarantine: Check = {
  id: 'queues.quarantine',
  applies: queueOnRedis,
  run: async parts => judgeQuarantine((await parts.failures()).quarantined),
}

export function judgeQuarantine(jobs: readonly Pick<FailedJob, 'id' | 'name'>[]): Verdict {
  if (jobs.length === 0) return ok('no job in quarantine')
  const named = some(jobs.map(({ id, name }) => `${name} ${id}`))
  return warn(
    `${counted(jobs.length, 'job')} in quarantine, as they killed their workers: ${named}`,
    'feedctl queue failed, then queue retry or queue forget',
  )
}

export const queuesFailed: Check = {
  id: 'queues.failed',
  applies: queueOnRedis,
  run: async parts => judgeFailed(await parts.failures(), Date.now()),
}

/** Few are everyday life: a tenant that was deleted, a job of a later feedctl. */
export function judgeFailed(
  { failed, more }: { failed: readonly Pick<FailedJob, 'fingerprint' | 'failedAt' | 'reason'>[]; more: boolean },
  now: number,
): Verdict {
  const recent = failed.filter(({ failedAt }) => failedAt > now - DAY_MS)
  const atLeast = more ? 'at least ' : ''
  if (recent.length < MANY_FAILED)
    return ok(`${counted(recent.length, 'job')} failed in the last 24 h, ${atLeast}${failed.length} in all`)
  const alike = (job: (typeof recent)[number]) => recent.filter(({ fingerprint }) => fingerprint === job.fingerprint)
  const prints = new Map(recent.map(job => [job.fingerprint, job]))
  const [most] = [...prints.values()].map(alike).toSorted((a, b) => b.length - a.length)
  const example = most?.[0]?.reason ?? ''
  return warn(
    `${atLeast}${recent.length} jobs failed in the last 24 h, ${most?.length} of them alike: ${example}`,
    'feedctl queue failed --group',
  )
}
