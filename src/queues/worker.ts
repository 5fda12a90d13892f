import { once, setMaxListeners } from 'node:events'
import { hostname } from 'node:os'
import { sleep } from '../kernel/clock.js'
import { Failure, wordsOf } from '../kernel/errors.js'
import { newHolder } from '../kernel/holder.js'
import type { RedisConnection } from '../redis/connection.js'
import { GRACE_MS } from './attempt.js'
import type { WorkerCard } from './board.js'
import { answerCanary } from './canary.js'
import { CardTeller } from './card-teller.js'
import { Consumers } from './consumers.js'
import type { JobBurial, JobHandler, Worker, WorkerEnd, WorkerLimit, WorkOptions } from './driver.js'
import { JobRun } from './job-run.js'
import { limitsOf, reachedLimit, type WorkerLimits } from './limits.js'
import type { QueueName } from './names.js'
import { Quarantine } from './quarantine.js'
import type { RedisQueueOptions } from './redis.js'
import { RedisBoard } from './redis-board.js'
import { StallWatch, TOLD_TO_STOP } from './stalls.js'
import { Tally } from './tally.js'
import { Turnstile } from './turnstile.js'

/** Times that a test wants to be shorter, ms. */
export interface WorkerPace {
  /** A worker that is not heard of for this long has lost its jobs. */
  readonly lockMs: number
  readonly stallCheckMs: number
  /** How long a job that was told to stop at its deadline may take for it. */
  readonly graceMs: number
}

const PACE: WorkerPace = { lockMs: 15_000, stallCheckMs: 5_000, graceMs: GRACE_MS }
/** A job that is to be given back has this long to stop, and the giving back as much again. */
const HAND_BACK_MS = 2_000
const LOOK_MS = 1_000

export interface RedisWorkerOptions extends RedisQueueOptions, WorkOptions, WorkerLimits {
  readonly queues: readonly QueueName[]
  readonly handler: JobHandler
  readonly bury: JobBurial
  /** Workers that may die of a job before it is put in quarantine. */
  readonly quarantineAfter: number
  /** Card id of the supervisor that started this process; null for none. */
  readonly supervisor: string | null
  /** It takes no job before `resume`. */
  readonly paused?: boolean
  /** Told what the worker tells the board, also while Redis is away. */
  readonly tell: (card: WorkerCard) => void
  readonly pace?: Partial<WorkerPace>
}

/** Starts consuming the queues. */
export function startRedisWorker(options: RedisWorkerOptions): Worker {
  return new RedisWorker(options)
}

class RedisWorker implements Worker {
  readonly ended: Promise<WorkerLimit>
  private readonly id = newHolder()
  private readonly startedAt = Date.now()
  private readonly graceMs: number
  private readonly connection: RedisConnection
  private readonly board: RedisBoard
  private readonly tally: Tally
  private readonly jobs: JobRun
  private readonly consumers: Consumers
  private readonly stalls: StallWatch
  private readonly teller: CardTeller
  private readonly limits: WorkerLimits
  private readonly looking: NodeJS.Timeout
  private readonly draining = new AbortController()
  private readonly handBack = new AbortController()
  private readonly patience = new AbortController()
  private end: (limit: WorkerLimit) => void = () => {}
  private stopping: Promise<WorkerEnd> | null = null

  constructor(private readonly options: RedisWorkerOptions) {
    const pace = { ...PACE, ...options.pace }
    this.graceMs = pace.graceMs
    this.ended = new Promise(resolve => {
      this.end = resolve
    })
    // As many as there are jobs.
    setMaxListeners(0, this.draining.signal, this.handBack.signal, this.patience.signal)
    this.connection = options.connect('worker')
    const board = new RedisBoard(this.connection, options.prefix)
    this.board = board
    this.limits = limitsOf(options, Math.random())
    this.tally = new Tally(options.queues, options.concurrency, Date.now)
    this.jobs = this.jobRun(pace, board)
    this.consumers = new Consumers({
      ...options,
      ...pace,
      connection: this.connection,
      name: this.id,
      looked: queue => this.tally.looked(queue),
      run: (queue, job, token) => this.jobs.run(queue, job, token).finally(() => this.countJobs()),
    })
    if (options.paused === true) this.consumers.hold('operator')
    this.stalls = new StallWatch({
      queues: this.consumers.stallQueues(),
      everyMs: pace.stallCheckMs,
      silenceOf: worker => board.silenceOf(worker),
      deathOf: worker => board.deathOf(worker),
      aloneIn: worker => board.aloneIn(worker),
      sleep,
      log: options.log,
    })
    this.teller = new CardTeller({
      card: () => this.card(),
      tell: options.tell,
      put: card => board.putWorker(card),
      remove: () => board.removeWorker(this.id),
      log: options.log,
    })
    this.teller.tellNow()
    this.looking = setInterval(() => this.look(), LOOK_MS).unref()
  }

  pause(): void {
    this.consumers.hold('operator')
    this.teller.tellNow()
  }

  resume(): void {
    if (this.stopping !== null) return
    this.consumers.release('operator')
    this.teller.tellNow()
  }

  stop(deadlineMs: number): Promise<WorkerEnd> {
    if (!this.patience.signal.aborted) this.leaveWord()
    return this.drainWithin(deadlineMs)
  }

  finish(): Promise<WorkerEnd> {
    // Without leaving word: a job that eats the memory may be why it ends, and kill it yet.
    return this.drainWithin(this.options.timeoutMs + this.graceMs)
  }

  /** For those who find jobs of this worker when it is gone. */
  private leaveWord(): void {
    const word = { worker: this.id, at: Date.now(), how: TOLD_TO_STOP, rssBytes: null }
    void this.board.noteDeath(word).catch(error => this.options.log.debug('a last word', { why: wordsOf(error) }))
  }

  private drainWithin(deadlineMs: number): Promise<WorkerEnd> {
    const late = new Failure('INTERRUPTED', 'the drain deadline is over')
    void sleep(deadlineMs, this.patience.signal).then(
      () => this.handBack.abort(late),
      () => {},
    )
    this.stopping ??= this.drain()
    return this.stopping
  }

  private async drain(): Promise<WorkerEnd> {
    clearInterval(this.looking)
    this.stalls.stop()
    this.draining.abort(new Failure('INTERRUPTED', 'the worker stops'))
    const { signal } = this.patience
    const handedBack = once(this.handBack.signal, 'abort', { signal }).then(() => sleep(2 * HAND_BACK_MS, signal))
    const drained = this.consumers.drain().catch(() => {})
    this.teller.tellNow()
    await Promise.race([drained, handedBack.catch(() => {})])
    // A timer that is left would keep the process from ending.
    this.patience.abort()
    await this.teller.end()
    this.consumers.close()
    return { finished: this.tally.finished, failed: this.tally.failed, ...this.jobs.interruptions() }
  }

  /** At each job's end: the next one would be one too many. */
  private countJobs(): void {
    if (this.limits.maxJobs !== null) this.look()
  }

  /** Whether a limit is reached: then no more jobs are taken, and whoever waits for the end is told. */
  private look(): void {
    const figures = {
      jobs: this.tally.finished + this.tally.failed,
      ageMs: Date.now() - this.startedAt,
      rssBytes: process.memoryUsage.rss(),
    }
    const limit = reachedLimit(figures, this.limits)
    if (limit === null) return
    this.consumers.hold('limit')
    this.end(limit)
  }

  private state(): WorkerCard['state'] {
    if (this.draining.signal.aborted) return 'draining'
    if (this.consumers.isHeld('operator')) return 'paused'
    return this.consumers.isFull ? 'full' : 'working'
  }

  private card(): WorkerCard {
    return {
      id: this.id,
      pid: process.pid,
      host: hostname(),
      supervisor: this.options.supervisor,
      state: this.state(),
      startedAt: this.startedAt,
      seenAt: Date.now(),
      rssBytes: process.memoryUsage.rss(),
      queues: this.tally.queues(),
      jobs: this.tally.jobs(),
    }
  }

  private jobRun(pace: WorkerPace, board: RedisBoard): JobRun {
    const { options, connection, tally } = this
    return new JobRun({
      ...options,
      graceMs: pace.graceMs,
      handBackGraceMs: HAND_BACK_MS,
      now: Date.now,
      tally,
      turnstile: new Turnstile(),
      quarantine: new Quarantine(connection, options.prefix),
      answerCanary: token => answerCanary(connection, options.prefix, token),
      historyOf: (queue, job) => this.consumers.historyOf(queue, job),
      runsAlone: job => board.putAlone(this.id, job),
      draining: this.draining.signal,
      handBack: this.handBack.signal,
    })
  }
}
