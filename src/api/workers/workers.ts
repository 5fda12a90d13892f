import cluster from 'node:cluster'
import { Failure, wordsOf } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import { freePlace, isFree, type Place } from '../place.js'
import type { ApiEnd, Leave } from '../server.js'
import { Handovers } from './handovers.js'
import type { MetricsPart } from './messages.js'
import { MetricsSum } from './metrics-sum.js'
import { givesUp, restartAfter } from './restarts.js'
import { ASK_EVERY_MS } from './silence.js'
import { type WorkerEnd, WorkerProcess } from './worker-process.js'

/** For the next request on a connection that a client keeps: it is answered, and ends the connection. */
const LINGER_MS = 5_000
const PORTS_TRIED = 5
const AT_ONCE: Leave = { lingerMs: 0, succeeded: false }

/** What systemd is told; see `Systemd`. */
export interface ServiceVoice {
  ready(status: string): void
  reloading(): void
  stopping(): void
}

export interface WorkersOptions {
  readonly count: number
  /** The words after the program: what the workers are started with that serve this port. */
  readonly args: (port: number) => string[]
  readonly log: Log
  /** For the operator, at any log level. */
  readonly note: (line: string) => void
  readonly voice: ServiceVoice
}

/** What all of them did. */
export interface WorkersEnd extends ApiEnd {
  readonly url: string
}

/** Processes that serve one port together. */
export class Workers {
  private readonly living = new Set<WorkerProcess>()
  private readonly sum = new MetricsSum()
  private readonly handovers = new Handovers()
  private readonly restarts = new Set<NodeJS.Timeout>()
  private url = ''
  private requests = 0
  private interrupted = 0
  private isStarted = false
  private isDraining = false
  private reloading: Promise<void> | null = null
  private reloadAgain = false
  private readonly hopeless: Promise<Failure>
  private giveUp: (failure: Failure) => void = () => {}

  constructor(private readonly options: WorkersOptions) {
    this.hopeless = new Promise(resolve => {
      this.giveUp = resolve
    })
  }

  /** Returns where they serve, once all of them do. @throws {Failure} what kept one from it; the signal's reason. The others are ended */
  async start(place: Place, signal: AbortSignal): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const port = await freePlace(place)
      try {
        return await this.startAt(port, signal)
      } catch (error) {
        // Whoever wants any port that is free may lose it before the first worker has it.
        const isLost = place.port === 0 && !signal.aborted && !(await isFree({ ...place, port }))
        if (!isLost || attempt === PORTS_TRIED) throw error
        this.isDraining = false
      }
    }
  }

  private async startAt(port: number, signal: AbortSignal): Promise<string> {
    cluster.setupPrimary({ args: this.options.args(port) })
    const started: WorkerProcess[] = []
    try {
      while (started.length < this.options.count) started.push(this.fork())
      const urls = await unlessAborted(Promise.all(started.map(({ serving }) => serving)), signal)
      this.url = urls[0] ?? ''
    } catch (error) {
      this.isDraining = true
      for (const one of started) {
        if (one.state === 'serving') one.leave(AT_ONCE)
        else one.kill()
      }
      await Promise.all(started.map(({ ended }) => ended))
      throw signal.aborted ? signal.reason : error
    }
    for (const one of started) this.keep(one)
    this.options.voice.ready(this.status())
    this.isStarted = true
    this.reloadIfAskedAgain()
    return this.url
  }

  /** Until the signal aborts: then all have drained. @throws {Failure} when they die one after another */
  async run(signal: AbortSignal): Promise<WorkersEnd> {
    const told = new Promise<null>(resolve => {
      if (signal.aborted) resolve(null)
      signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    const asking = setInterval(() => this.endSilent(), ASK_EVERY_MS)
    const failure = await Promise.race([told, this.hopeless])
    clearInterval(asking)
    if (failure === null) this.options.note(`draining: ${this.living.size} workers end what is in flight`)
    await this.drain()
    if (failure !== null) throw failure
    return { url: this.url, requests: this.requests, interrupted: this.interrupted }
  }

  /** Replaces each worker by one that has read the settings anew, one after another. While it does, or before all serve, one more time is kept in mind. */
  reload(): void {
    if (this.isDraining) return
    if (!this.isStarted || this.reloading !== null) {
      this.reloadAgain = true
      return
    }
    this.reloading = this.replaceAll().finally(() => {
      this.reloading = null
      this.reloadIfAskedAgain()
    })
  }

  private reloadIfAskedAgain(): void {
    const again = this.reloadAgain
    this.reloadAgain = false
    if (again) this.reload()
  }

  private async replaceAll(): Promise<void> {
    const { note, log, voice } = this.options
    voice.reloading()
    note('reloading: each worker drains when its successor serves, with the settings as they are now')
    for (const old of [...this.living]) {
      // What has begun to start may have read the settings before.
      await old.serving.catch(() => {})
      if (this.isDraining) return
      if (!this.isToBeReplaced(old)) continue
      let successor: WorkerProcess | null = null
      try {
        successor = this.fork()
        await successor.serving
      } catch (error) {
        await successor?.ended
        if (this.isDraining) return
        note(`not reloaded, the workers before go on: ${wordsOf(error)}`)
        log.error('api: a new worker does not serve: the workers before go on', { why: wordsOf(error) })
        voice.ready(this.status())
        return
      }
      // One that has died meanwhile is replaced already: nobody waits for the successor.
      if (!this.isToBeReplaced(old)) {
        successor.leave({ lingerMs: LINGER_MS, succeeded: true })
        continue
      }
      this.keep(successor)
      old.leave({ lingerMs: LINGER_MS, succeeded: true })
    }
    if (this.isDraining) return
    note(`reloaded: ${this.serving} workers serve`)
    voice.ready(this.status())
  }

  private isToBeReplaced(process: WorkerProcess): boolean {
    return process.state === 'serving' && !process.isDead
  }

  private get serving(): number {
    return [...this.living].filter(({ state }) => state === 'serving').length
  }

  private status(): string {
    return `${this.serving} of ${this.options.count} workers serve on ${this.url}`
  }

  /** `deaths`: of its place. @throws {Failure} UNAVAILABLE when the system refuses at once */
  private fork(deaths = 0): WorkerProcess {
    const forked = this.begin(deaths)
    this.living.add(forked)
    void forked.ended.then(({ did }) => {
      this.requests += did?.requests ?? 0
      this.interrupted += did?.interrupted ?? 0
      this.living.delete(forked)
      this.sum.keep(forked.metrics)
    })
    if (this.isDraining) forked.leave(AT_ONCE)
    return forked
  }

  private begin(deaths: number): WorkerProcess {
    try {
      return new WorkerProcess(deaths, this.handovers, (process, part, id) => void this.giveMetrics(process, part, id))
    } catch (error) {
      throw new Failure('UNAVAILABLE', `the system begins no worker: ${wordsOf(error)}`, { cause: error })
    }
  }

  /** In the place of one that has ended. */
  private forkAgain(deaths: number): void {
    try {
      this.keep(this.fork(deaths))
    } catch (error) {
      this.replace({ pid: 0, deaths }, { how: wordsOf(error), servedMs: null, failure: null, did: null })
    }
  }

  /** Its place is filled again when it ends without having been told to. */
  private keep(process: WorkerProcess): void {
    void process.ended.then(end => {
      if (process.state !== 'leaving' && !this.isDraining) this.replace(process, end)
    })
  }

  private replace({ pid, deaths: before }: Pick<WorkerProcess, 'pid' | 'deaths'>, end: WorkerEnd): void {
    if (end.did !== null) {
      this.options.log.warn('api: a worker was told to end by somebody else, another takes its place', { pid })
      this.forkAgain(before)
      return
    }
    const { deaths, delayMs } = restartAfter(before, end.servedMs, Math.random())
    const why = end.failure === null ? end.how : end.failure.message
    if (givesUp(deaths, this.serving)) {
      this.giveUp(end.failure ?? new Failure('UNAVAILABLE', `workers die one after another, the last: ${end.how}`))
      return
    }
    this.options.log.error('api: a worker died, another takes its place', { pid, why, in_ms: delayMs })
    const timer = setTimeout(() => {
      this.restarts.delete(timer)
      this.forkAgain(deaths)
    }, delayMs)
    this.restarts.add(timer)
  }

  private endSilent(): void {
    for (const process of [...this.living].filter(one => one.isSilent())) {
      this.options.log.error('api: a worker does not answer any more, and is killed', { pid: process.pid })
      process.kill()
    }
  }

  private async drain(): Promise<void> {
    this.isDraining = true
    this.options.voice.stopping()
    for (const timer of this.restarts) clearTimeout(timer)
    for (const process of this.living) process.leave(AT_ONCE)
    while (this.living.size > 0) await Promise.all([...this.living].map(({ ended }) => ended))
  }

  private async giveMetrics(process: WorkerProcess, part: MetricsPart, id: number): Promise<void> {
    const asked = [...this.living].filter(({ state }) => state !== 'starting')
    await Promise.all(asked.map(one => one.askMetrics(part)))
    // Those that have ended meanwhile are in the sum already.
    const living = asked.filter(one => this.living.has(one)).map(({ metrics }) => metrics)
    if (part === 'all') process.givePage(id, await this.sum.page(living))
    else process.giveCounted(id, await this.sum.counted(living))
  }
}

/** @throws the signal's reason, as soon as it aborts */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return Promise.race([promise, aborted])
}
