import { type Job, UnrecoverableError, WaitingError } from 'bullmq'
import { type Clock, sleep } from '../kernel/clock.js'
import { Failure, wordsOf } from '../kernel/errors.js'
import { randomToken } from '../kernel/hash.js'
import type { Log } from '../kernel/log.js'
import { runAttempt } from './attempt.js'
import { CANARY } from './canary.js'
import type { InterruptedJob, JobBurial, JobHandler, JobPayload, WorkerEnd, WorkOptions } from './driver.js'
import type { QueueName } from './names.js'
import type { Quarantine } from './quarantine.js'
import { deathsIn } from './stalls.js'
import type { JobEnd, TakenJob, Tally } from './tally.js'
import { isSuspect, type Turnstile } from './turnstile.js'

/** Whoever found a job without its worker writes down what it knows within this. */
const HISTORY_MS = 5_000
const LOOK_MS = 200
const LIFT_MS = 1_000

export type TakenBullJob = Job<JobPayload>

export interface JobRunParts extends WorkOptions {
  readonly handler: JobHandler
  readonly bury: JobBurial
  readonly quarantineAfter: number
  readonly graceMs: number
  readonly handBackGraceMs: number
  readonly log: Log
  readonly now: Clock
  readonly tally: Tally
  readonly turnstile: Turnstile
  readonly quarantine: Quarantine
  readonly answerCanary: (token: unknown) => Promise<void>
  /** The lines of a job's history, oldest first. */
  readonly historyOf: (queue: QueueName, job: string) => Promise<string[]>
  /** Told which job runs with nothing beside it; null when it has ended. */
  readonly runsAlone: (job: string | null) => Promise<void>
  /** Aborted when no job may begin any more. */
  readonly draining: AbortSignal
  /** Aborted when jobs that have begun must be given back. */
  readonly handBack: AbortSignal
}

/** What a worker does with each job it has taken, from the look at its past to its one end. */
export class JobRun {
  /** Jobs that had begun and were stopped, each with whether its queue has it back. */
  private readonly stopped = new Map<TakenBullJob, { readonly card: InterruptedJob; isBack: boolean }>()

  constructor(private readonly parts: JobRunParts) {}

  /** The jobs that had begun, and were stopped to be given back. */
  interruptions(): Pick<WorkerEnd, 'handedBack' | 'interrupted'> {
    const all = [...this.stopped.values()]
    const back = all.filter(({ isBack }) => isBack)
    const rest = all.filter(({ isBack }) => !isBack)
    return { handedBack: back.length, interrupted: [...back, ...rest].map(({ card }) => card) }
  }

  /** The processor of a BullMQ worker: what it throws says what becomes of the job. */
  async run(queue: QueueName, job: TakenBullJob, token: string): Promise<void> {
    if (job.name === CANARY) {
      this.parts.tally.tookCanary(queue)
      return await this.parts.answerCanary(job.data.token)
    }
    const taken = this.parts.tally.took(cardOf(queue, job))
    let end: JobEnd = 'again'
    try {
      end = await this.end(queue, job, taken)
    } catch (error) {
      if (error instanceof UnrecoverableError) end = 'failed'
      if (!(error instanceof HandBack)) throw error
      await this.handBack(queue, job, token)
      throw new WaitingError()
    } finally {
      taken.ends(end)
    }
  }

  /** To the front of its queue, whatever the clocks say. One that the queue cannot take now is taken over when its lock has run out. */
  private async handBack(queue: QueueName, job: TakenBullJob, token: string): Promise<void> {
    try {
      await job.moveToWait(token)
      const stopped = this.stopped.get(job)
      if (stopped !== undefined) stopped.isBack = true
    } catch (error) {
      this.parts.log.warn(`${job.name} could not be handed back`, { queue, job: idOf(job), why: wordsOf(error) })
    }
  }

  private async end(queue: QueueName, job: TakenBullJob, taken: TakenJob): Promise<JobEnd> {
    if (await this.isHeld(queue, job)) return await this.refuse(queue, job)
    const deaths = await this.deathsOf(queue, job)
    if (this.parts.draining.aborted) throw new HandBack()
    if (deaths >= this.parts.quarantineAfter) return await this.condemn(queue, job, deaths)
    const alone = isSuspect(deaths, this.parts.quarantineAfter)
    const leave = await this.parts.turnstile.enter(alone, this.parts.draining).catch(() => {
      throw new HandBack()
    })
    try {
      if (alone) return await this.alone(queue, job, taken, deaths)
      taken.begins()
      return await this.attempt(queue, job)
    } finally {
      leave()
    }
  }

  /** What else the worker has taken waits, and is not suspected when this one kills it. */
  private async alone(queue: QueueName, job: TakenBullJob, taken: TakenJob, deaths: number): Promise<JobEnd> {
    this.parts.log.warn(`${job.name} is run alone: a worker died of it, or beside it`, { queue, job: idOf(job), deaths })
    await this.parts.runsAlone(idOf(job))
    taken.begins()
    try {
      return await this.attempt(queue, job)
    } finally {
      await this.parts.runsAlone(null).catch(() => {})
    }
  }

  private async attempt(queue: QueueName, job: TakenBullJob): Promise<JobEnd> {
    const { handler, tries, log } = this.parts
    const attempt = job.attemptsMade + 1
    const last = attempt >= tries
    const deed = (signal: AbortSignal) => handler(job.name, job.data, { token: randomToken(), attempt, last, signal })
    const end = await runAttempt(deed, this.parts)
    if (end.kind === 'done') return 'finished'
    if (end.kind === 'handed-back') {
      if (!end.heeded) log.warn(`${job.name} does not stop: it is given back all the same`, { queue, job: idOf(job) })
      this.stopped.set(job, { card: cardOf(queue, job), isBack: false })
      throw new HandBack()
    }
    const { error, heeded } = end
    const words = heeded ? `${job.name} failed` : `${job.name} does not stop at its deadline, and loses its slot`
    log[last || !heeded ? 'error' : 'warn'](words, { job: idOf(job), attempt, why: String(error) })
    if (!last && !(error instanceof Failure && !error.retry)) throw asError(error)
    if (!heeded && error instanceof Failure) await this.bury(job, error)
    throw new UnrecoverableError(reasonOf(error))
  }

  /** Whether it is in quarantine. One that is retried may be let out a moment after it was added. */
  private async isHeld(queue: QueueName, job: TakenBullJob): Promise<boolean> {
    const isIn = () => this.parts.quarantine.has(queue, dedupeIdOf(job))
    if (!(await isIn())) return false
    await sleep(LIFT_MS)
    return await isIn()
  }

  /** Of the workers that had it, those that died. Waits for the lines that are still being written. */
  private async deathsOf(queue: QueueName, job: TakenBullJob): Promise<number> {
    if (job.stalledCounter === 0) return 0
    return deathsIn(job.stalledCounter, await this.history(queue, job))
  }

  private async history(queue: QueueName, job: TakenBullJob): Promise<string[]> {
    for (let waited = 0; ; waited += LOOK_MS) {
      const lines = await this.parts.historyOf(queue, idOf(job))
      if (lines.length >= job.stalledCounter || waited >= HISTORY_MS || this.parts.draining.aborted) return lines
      await sleep(LOOK_MS, this.parts.draining).catch(() => {})
    }
  }

  private async condemn(queue: QueueName, job: TakenBullJob, deaths: number): Promise<never> {
    const failure = new Failure('JOB_QUARANTINED', deaths === 1 ? 'a worker died of it' : `${deaths} workers died of it`, {
      hint: `feedctl queue retry ${idOf(job)}`,
    })
    await this.bury(job, failure)
    const reason = reasonOf(failure)
    const history = await this.parts.historyOf(queue, idOf(job))
    await this.parts.quarantine.put({
      ...cardOf(queue, job),
      dedupeId: dedupeIdOf(job),
      payload: job.data,
      reason,
      attempts: job.attemptsMade,
      failedAt: this.parts.now(),
      history,
    })
    this.parts.log.error(`${job.name} is in quarantine: ${failure.message}`, { queue, job: idOf(job) })
    throw new UnrecoverableError(reason)
  }

  /** One that was added before its like was put in quarantine, or by who does not look there. */
  private async refuse(queue: QueueName, job: TakenBullJob): Promise<JobEnd> {
    const failure = new Failure('JOB_QUARANTINED', 'it is in quarantine', { hint: 'feedctl queue failed' })
    this.parts.log.warn(`${job.name} is not run: it is in quarantine`, { queue, job: idOf(job) })
    await this.bury(job, failure)
    return 'failed'
  }

  /** @throws what keeps the outcome from being written; the job is tried again */
  private async bury(job: TakenBullJob, failure: Failure): Promise<void> {
    try {
      await this.parts.bury(job.name, job.data, failure)
    } catch (error) {
      this.parts.log.error(`the outcome of ${job.name} could not be written`, { job: idOf(job), why: String(error) })
      throw asError(error)
    }
  }
}

/** The job goes back to its queue. */
class HandBack extends Error {}

function cardOf(queue: QueueName, job: TakenBullJob): InterruptedJob {
  const { tenantId } = job.data
  return { queue, id: idOf(job), name: job.name, tenantId: typeof tenantId === 'number' ? tenantId : null }
}

function idOf(job: TakenBullJob): string {
  return job.id ?? ''
}

/** Jobs of a schedule have none, and are told by their name. */
function dedupeIdOf(job: TakenBullJob): string {
  return job.deduplicationId ?? job.name
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function reasonOf(error: unknown): string {
  return error instanceof Failure ? `${error.code}: ${error.message}` : wordsOf(error)
}
