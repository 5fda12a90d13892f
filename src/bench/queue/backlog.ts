import { openApp } from '../../app.js'
import { Failure } from '../../kernel/errors.js'
import { Log } from '../../kernel/log.js'
import { type JobRequest, RedisQueue, type RedisQueueOptions, startRedisWorker } from '../../queues/index.js'
import { openRedis } from '../../redis/connection.js'
import { openWatch } from '../../watch/gather.js'
import type { Place } from '../sync/place.js'
import type { Watcher } from '../sync/watcher.js'

const LOOKS = 60
const JOBS_AT_ONCE = 50
const DEADLINE_MS = 60_000
const REPORT_EVERY_MS = 200
/** Far more than it takes: when nothing is done for so long, nothing will be. */
const STUCK_MS = 20_000

export interface Backlog {
  readonly enqueueMs: number
  /** How long each look took that `feedctl queue status` takes, with the backlog waiting, ms. */
  readonly statusMs: readonly number[]
  readonly processedPerS: number
  /** Why it does not count; empty when it does. */
  readonly faults: readonly string[]
}

/** Enqueues jobs that do nothing, looks at the queues while all of them wait, and does them in this process. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureBacklog(place: Place, count: number, watcher: Watcher, signal: AbortSignal): Promise<Backlog> {
  const log = new Log(line => watcher.note(line), 'error')
  const options: RedisQueueOptions = {
    connect: purpose => openRedis(place.config, log, purpose),
    prefix: place.config.redisPrefix,
    log,
  }
  await place.prepare()
  await using app = await openApp(place.config, log)
  const watch = await openWatch(app)
  const queue = new RedisQueue(options)
  try {
    const jobs = Array.from({ length: count }, (_, n) => trivialJob(n + 1))
    const begun = performance.now()
    const { added } = await queue.add(jobs)
    const enqueueMs = performance.now() - begun
    signal.throwIfAborted()
    const statusMs: number[] = []
    let waiting = 0
    while (statusMs.length < LOOKS) {
      const at = performance.now()
      const { queues } = await watch.queues()
      statusMs.push(performance.now() - at)
      waiting = queues.find(each => each.name === 'sync')?.waiting ?? 0
    }
    const { done, ms } = await workOff(options, count, watcher, signal)
    const faults = [
      ...differs('jobs added', added, count),
      ...differs('jobs waiting', waiting, count),
      ...differs('jobs done', done, count),
    ]
    return { enqueueMs, statusMs, processedPerS: (done * 1000) / ms, faults }
  } finally {
    await queue.close()
  }
}

function trivialJob(tenantId: number): JobRequest {
  return { queue: 'sync', name: 'Nothing', payload: { tenantId }, dedupeId: `tenant:${tenantId}` }
}

/** Different jobs that were done, and how long it took, ms. */
async function workOff(
  options: RedisQueueOptions,
  count: number,
  watcher: Watcher,
  signal: AbortSignal,
): Promise<{ done: number; ms: number }> {
  const done = new Set<unknown>()
  const progress = watcher.progress('work', 'jobs')
  progress.start(count)
  let ms = 0
  const begun = performance.now()
  let allDone: () => void = () => {}
  const whole = new Promise<void>(resolve => {
    allDone = resolve
  })
  const worker = startRedisWorker({
    ...options,
    queues: ['sync'],
    concurrency: JOBS_AT_ONCE,
    tries: 1,
    timeoutMs: DEADLINE_MS,
    quarantineAfter: 1,
    maxJobs: null,
    maxTimeMs: null,
    memoryBytes: null,
    supervisor: null,
    tell: () => {},
    handler: async (_name, { tenantId }) => {
      done.add(tenantId)
      ms = performance.now() - begun
      if (done.size === count) allDone()
    },
    bury: async () => {},
  })
  try {
    await until(
      whole,
      () => done.size,
      size => progress.update(size),
      signal,
    )
  } finally {
    progress.stop()
    await worker.stop(0)
  }
  return { done: done.size, ms }
}

/** Waits for the end of what grows. @throws {Failure} UNAVAILABLE when it has not grown for long; the signal's reason */
async function until(end: Promise<void>, size: () => number, tell: (size: number) => void, signal: AbortSignal): Promise<void> {
  let [before, grownAt] = [-1, Date.now()]
  let timer: NodeJS.Timeout | undefined
  const watched = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      const now = size()
      tell(now)
      if (now !== before) [before, grownAt] = [now, Date.now()]
      if (signal.aborted) reject(signal.reason)
      else if (Date.now() - grownAt > STUCK_MS) reject(new Failure('UNAVAILABLE', `nothing has moved after ${now} jobs`))
    }, REPORT_EVERY_MS)
  })
  try {
    await Promise.race([end, watched])
  } finally {
    clearInterval(timer)
  }
}

function differs(what: string, found: number, expected: number): string[] {
  return found === expected ? [] : [`${what}: ${found} instead of ${expected}`]
}
