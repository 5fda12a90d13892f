import cluster, { type Worker } from 'node:cluster'
import { sleep } from '../../kernel/clock.js'
import { Failure, wordsOf } from '../../kernel/errors.js'
import type { MetricsJson, MetricsPage } from '../metrics.js'
import type { ApiEnd, Leave } from '../server.js'
import type { Handovers } from './handovers.js'
import { type FromWorker, failureOf, isFromWorker, type MetricsPart, tell } from './messages.js'
import { Silence } from './silence.js'

/** What a worker is given beyond its own drain deadline before it is killed. */
const GRACE_MS = 5_000
const METRICS_PATIENCE_MS = 1_000
const LAST_WORDS_MS = 1_000

/** How a worker process ended. */
export interface WorkerEnd {
  /** `exit status 1`, `killed by SIGKILL`. */
  readonly how: string
  /** Null when it never served. */
  readonly servedMs: number | null
  /** Why it could not serve, in its words. */
  readonly failure: Failure | null
  /** Null when it had no time to say. */
  readonly did: ApiEnd | null
}

/** A process that serves, as the one that has forked it sees it. */
export class WorkerProcess {
  /** Where it serves. @throws {Failure} what kept it from that */
  readonly serving: Promise<string>
  readonly ended: Promise<WorkerEnd>
  state: 'starting' | 'serving' | 'leaving' = 'starting'
  /** The newest of each figure that it has told. */
  metrics: MetricsJson = []
  private readonly worker: Worker
  private servingSince: number | null = null
  private drainMs = 0
  private failure: Failure | null = null
  private did: ApiEnd | null = null
  private asked = 0
  private readonly metricsTold = new Map<number, () => void>()
  private killing: NodeJS.Timeout | undefined
  private readonly silence = new Silence()

  /** `deaths`: how many in a row have died young in its place. `onAsking`: it asks for the metrics of all. */
  constructor(
    readonly deaths: number,
    handovers: Handovers,
    private readonly onAsking: (process: WorkerProcess, part: MetricsPart, id: number) => void,
  ) {
    this.worker = cluster.fork()
    handovers.watch(this.worker)
    const exited = new Promise<string>(resolve => {
      this.worker.once('exit', (status, signal) => resolve(signal ? `killed by ${signal}` : `exit status ${status}`))
      // Also of a message that came too late for it: then its end is told as well.
      this.worker.on('error', error => {
        if (this.worker.process.pid === undefined) resolve(`not begun: ${wordsOf(error)}`)
      })
    })
    // The last that it has told may be read after it has gone.
    const heard = new Promise<void>(resolve => {
      this.worker.process.once('close', () => resolve())
    })
    this.ended = exited.then(async how => {
      clearTimeout(this.killing)
      await Promise.race([heard, sleep(LAST_WORDS_MS)])
      return this.endWith(how)
    })
    this.serving = new Promise((resolve, reject) => {
      this.worker.on('message', (message: unknown) => {
        if (isFromWorker(message)) this.hear(message, resolve)
      })
      void this.ended.then(({ failure, how }) =>
        reject(failure ?? new Failure('UNAVAILABLE', `a worker ended before it served: ${how}`)),
      )
    })
    // Who waits for it learns of it; a worker that is ended before is nobody's trouble.
    this.serving.catch(() => {})
  }

  get pid(): number {
    return this.worker.process.pid ?? 0
  }

  /** Known a little before `ended` tells. */
  get isDead(): boolean {
    return this.worker.isDead()
  }

  /** It has its own drain deadline, and is killed soon after. */
  leave(leave: Leave): void {
    if (this.state === 'leaving' || this.isDead) return
    const served = this.state === 'serving'
    this.state = 'leaving'
    tell(this.worker, { do: 'leave', leave })
    this.killing = setTimeout(() => this.kill(), (served ? this.drainMs : 0) + GRACE_MS)
  }

  kill(): void {
    this.worker.process.kill('SIGKILL')
  }

  /** To be called again and again, always as often. Whether it is to be given up, since it did not answer for long. */
  isSilent(): boolean {
    if (this.state !== 'serving') return false
    if (this.silence.isTooLong()) return true
    tell(this.worker, { do: 'say-alive' })
    return false
  }

  givePage(id: number, page: MetricsPage): void {
    tell(this.worker, { do: 'take-page', id, page })
  }

  giveCounted(id: number, counted: MetricsJson): void {
    tell(this.worker, { do: 'take-counted', id, counted })
  }

  /** Returns when it has told its figures, or was given enough time to. */
  askMetrics(part: MetricsPart): Promise<void> {
    const id = ++this.asked
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(late)
        this.metricsTold.delete(id)
        resolve()
      }
      const late = setTimeout(done, METRICS_PATIENCE_MS)
      this.metricsTold.set(id, done)
      tell(this.worker, { do: 'tell-metrics', id, part })
    })
  }

  private hear(message: FromWorker, serving: (url: string) => void): void {
    this.silence.broken()
    if (message.is === 'serving') {
      if (this.state === 'starting') this.state = 'serving'
      this.servingSince = performance.now()
      this.drainMs = message.drainMs
      serving(message.url)
    } else if (message.is === 'refused') this.failure = failureOf(message.failure)
    else if (message.is === 'asking-page') this.onAsking(this, 'all', message.id)
    else if (message.is === 'asking-counted') this.onAsking(this, 'counted', message.id)
    else if (message.is !== 'alive') {
      const told = new Set(message.metrics.map(({ name }) => name))
      this.metrics = [...this.metrics.filter(({ name }) => !told.has(name)), ...message.metrics]
      if (message.is === 'ended') this.did = message.end
      else this.metricsTold.get(message.id)?.()
    }
  }

  private endWith(how: string): WorkerEnd {
    for (const done of this.metricsTold.values()) done()
    const servedMs = this.servingSince === null ? null : performance.now() - this.servingSince
    return { how, servedMs, failure: this.failure, did: this.did }
  }
}
