import type { Failure } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import { GRACE_MS } from '../attempt.js'
import type { WorkerCard, WorkerDeath } from '../board.js'
import type { InterruptedJob } from '../driver.js'
import type { QueueName } from '../names.js'
import { TOLD_TO_STOP } from '../stalls.js'
import { freshHealth, type HealthMemory, judge, type QueueAsk, STILL_MS } from './health.js'
import { Leaving, type Patience } from './leaving.js'
import { givesUp, isAsTold, isRecycled, isRefusal, restartAfter } from './restarts.js'
import { type WorkerCommand, WorkerProcess, type WorkerProcessEnd } from './worker-process.js'
import { Place, refillAfterUnwell, type Unwell, unwellWords } from './workplace.js'

/** Beside the time a job may take: a worker that ends by itself gives up what does not stop at its deadline. */
const RETIRING_MS = GRACE_MS + 10_000

/** What the workers of a supervisor have done, all in all. */
export interface FleetEnd {
  readonly finished: number
  readonly failed: number
  readonly handedBack: number
  /** Jobs that were under way when the supervisor stopped. */
  readonly interrupted: readonly InterruptedJob[]
  readonly started: number
  readonly died: number
}

export interface FleetOptions {
  readonly command: WorkerCommand
  readonly queues: readonly QueueName[]
  readonly patience: Patience
  readonly log: Log
  readonly onDeath: (death: WorkerDeath) => void
}

/** The worker processes of a supervisor: started, watched, replaced and ended. Its loop calls the methods; `now` is `performance.now()`. */
export class Fleet {
  private readonly places: Place[] = []
  private leaving: Leaving[] = []
  /** Those that have reached a limit: they end when their jobs have. */
  private readonly retiring = new Map<WorkerProcess, { readonly since: number; health: HealthMemory }>()
  private refusals = 0
  private refusal: Failure | null = null
  private stopping = false
  private paused = false
  private readonly sums = { finished: 0, failed: 0, handedBack: 0, started: 0, died: 0 }
  private readonly interrupted: InterruptedJob[] = []

  constructor(private readonly options: FleetOptions) {}

  /** Why it is of no use to go on; null while it is. */
  get gaveUp(): Failure | null {
    return givesUp(this.refusals) ? this.refusal : null
  }

  /** The newest cards of the workers that consume, those on their way out included. */
  cards(): WorkerCard[] {
    return this.workers().flatMap(worker => worker.card ?? [])
  }

  /** Workers of a queue that consume now, and stay; null are the generalists. */
  consuming(queue: QueueName | null): number {
    return this.places.filter(place => place.queue === queue && place.worker?.told === true).length
  }

  /** Places whose worker consumes. */
  get told(): number {
    return this.places.filter(place => place.worker?.told === true).length
  }

  /** Workers beside those that have a place: on their way out, or about to replace one that is. */
  get beside(): number {
    return this.workers().length - this.places.filter(({ worker }) => worker !== null).length
  }

  get size(): number {
    return this.places.length
  }

  /** Every place has a worker that consumes, and none is to be replaced. */
  get isSettled(): boolean {
    return this.places.every(({ worker, outdated }) => worker?.told === true && !outdated)
  }

  /** No worker process is left. */
  get isEmpty(): boolean {
    return this.workers().length === 0
  }

  /** Makes places, or gives up places, the idle ones first. Null are the generalists. */
  want(queue: QueueName | null, count: number, now: number): void {
    const own = this.places.filter(place => place.queue === queue)
    for (let more = own.length; more < count; more++) this.places.push(new Place(queue, now))
    const load = (place: Place) => place.worker?.card?.jobs.length ?? -1
    for (const place of own.sort((a, b) => load(a) - load(b)).slice(0, Math.max(0, own.length - count))) {
      this.places.splice(this.places.indexOf(place), 1)
      if (place.worker !== null) this.leave(place.worker, true, now)
      if (place.successor !== null) this.leave(place.successor, true, now)
    }
  }

  /** Does what is due: starts, replacements, kills. `queues` as `judge` has them. */
  step(now: number, queues: ReadonlyMap<QueueName, QueueAsk> | null): void {
    for (const place of this.places) {
      if (place.worker === null && now >= place.startAt && !this.stopping) place.take(this.start(place), now)
      if (place.worker !== null) this.watch(place, place.worker, now, queues)
    }
    this.renewNext(now)
    this.watchRetiring(now, queues)
    for (const each of this.leaving) each.step(now)
  }

  /** Every worker takes no new job, those to come included, or does so again. */
  tell(what: 'pause' | 'resume'): void {
    this.paused = what === 'pause'
    for (const { worker, successor } of this.places) {
      worker?.tell(what)
      successor?.tell(what)
    }
  }

  /** Replaces all the workers that there are, one after another. */
  renew(): void {
    for (const place of this.places) place.outdated = place.worker !== null
  }

  /** No worker is started any more; all drain. */
  stop(now: number): void {
    this.stopping = true
    for (const place of this.places.splice(0)) {
      if (place.worker !== null) this.leave(place.worker, false, now)
      if (place.successor !== null) this.leave(place.successor, false, now)
    }
    for (const worker of this.retiring.keys()) this.leave(worker, false, now)
    this.retiring.clear()
    for (const each of this.leaving) each.stop(now)
  }

  end(): FleetEnd {
    return { ...this.sums, interrupted: this.interrupted }
  }

  /** For the moment when the supervisor itself fails. */
  killAll(): void {
    for (const worker of this.workers()) worker.signal('SIGKILL')
  }

  private workers(): WorkerProcess[] {
    const kept = this.places.flatMap(({ worker, successor }) => [worker, successor].filter(each => each !== null))
    return [...kept, ...this.retiring.keys(), ...this.leaving.map(each => each.process)]
  }

  private start(place: Place): WorkerProcess {
    const { command, queues, log } = this.options
    const own = place.queue === null ? queues : [place.queue]
    const worker = new WorkerProcess(command, { queues: own, paused: this.paused }, log)
    this.sums.started++
    void worker.ended.then(end => {
      this.retiring.delete(worker)
      this.onEnd(place, worker, end)
    })
    return worker
  }

  private watch(place: Place, worker: WorkerProcess, now: number, queues: ReadonlyMap<QueueName, QueueAsk> | null): void {
    if (worker.told) this.refusals = 0
    if (this.paused && (worker.card?.state === 'working' || worker.card?.state === 'full')) worker.tell('pause')
    if (worker.card?.state === 'draining') {
      this.retire(place, worker, now)
      return
    }
    const { verdict, memory } = judge(place.health, { now, card: worker.card, queues })
    place.health = memory
    if (verdict.kind === 'well') return
    const wellMs = worker.livedMs - (verdict.kind === 'frozen' ? memory.silentMs : STILL_MS)
    place.give(worker, refillAfterUnwell(place.deaths, wellMs, Math.random()), now)
    this.dismiss(worker, verdict, memory, now)
  }

  /** Its place is free at once: its jobs may take as long as any. */
  private retire(place: Place, worker: WorkerProcess, now: number): void {
    const end = { exit: 0, livedMs: worker.livedMs, jobs: worker.jobs }
    place.give(worker, restartAfter(place.deaths, end, Math.random()), now)
    this.retiring.set(worker, { since: now, health: freshHealth(now) })
  }

  private watchRetiring(now: number, queues: ReadonlyMap<QueueName, QueueAsk> | null): void {
    for (const [worker, retired] of this.retiring) {
      const { verdict, memory } = judge(retired.health, { now, card: worker.card, queues })
      retired.health = memory
      const late = now - retired.since >= this.options.patience.jobMs + RETIRING_MS
      if (verdict.kind === 'well' && !late) continue
      this.retiring.delete(worker)
      if (verdict.kind === 'well') this.leave(worker, false, now)
      else this.dismiss(worker, verdict, memory, now)
    }
  }

  /** Sends away one that does not work as it should. */
  private dismiss(worker: WorkerProcess, verdict: Unwell, memory: HealthMemory, now: number): void {
    this.options.log.warn(unwellWords(verdict, memory), { pid: worker.pid })
    this.leave(worker, false, now)
    if (verdict.kind !== 'frozen') return
    this.sums.died++
    worker.signal('SIGKILL')
  }

  /** The next outdated worker gets a successor, and goes when that one consumes. */
  private renewNext(now: number): void {
    const place = this.places.find(each => each.outdated)
    if (place === undefined || this.stopping) return
    if (place.worker === null) place.outdated = false
    else if (place.successor === null) {
      if (now >= place.startAt) place.successor = this.start(place)
    } else if (place.successor.told) {
      const before = place.succeed(now)
      if (before !== null) this.leave(before, false, now)
    }
  }

  private leave(worker: WorkerProcess, gently: boolean, now: number): void {
    const { patience, log } = this.options
    this.leaving.push(new Leaving(worker, gently, patience, log, now))
  }

  private onEnd(place: Place, worker: WorkerProcess, end: WorkerProcessEnd): void {
    const leaving = this.leaving.find(each => each.process === worker)
    this.leaving = this.leaving.filter(each => each.process !== worker)
    this.sums.finished += end.report.finished
    this.sums.failed += end.report.failed
    this.sums.handedBack += end.report.handedBack
    if (this.stopping) this.interrupted.push(...end.report.interrupted)
    this.noteDeath(worker, howItEnded(end, leaving))
    if (leaving !== undefined) return
    if (isRecycled(end)) this.options.log.info('a worker ended by its limits, and is replaced', { pid: worker.pid })
    else this.died(worker, end)
    place.give(worker, restartAfter(place.deaths, end, Math.random()), performance.now())
  }

  private died(worker: WorkerProcess, end: WorkerProcessEnd): void {
    this.sums.died++
    const why = end.failure === null ? {} : { why: `${end.failure.code}: ${end.failure.message}` }
    this.options.log.warn(`a worker died: ${end.how}`, { pid: worker.pid, ...why })
    if (!isRefusal(end)) return
    this.refusals++
    this.refusal = end.failure
  }

  private noteDeath({ card }: WorkerProcess, how: string): void {
    if (card !== null) this.options.onDeath({ worker: card.id, at: Date.now(), how, rssBytes: card.rssBytes })
  }
}

/** For those who find its jobs, if it had any. */
function howItEnded(end: WorkerProcessEnd, leaving: Leaving | undefined): string {
  if (leaving?.killed === true || isAsTold(end)) return TOLD_TO_STOP
  return leaving !== undefined && end.exit === null ? `${end.how}, by its supervisor` : end.how
}
