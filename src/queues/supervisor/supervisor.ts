import { hostname } from 'node:os'
import { sleep } from '../../kernel/clock.js'
import { thisProcess } from '../../kernel/holder.js'
import type { Log } from '../../kernel/log.js'
import type { Board, Scaling, SupervisorCard } from '../board.js'
import type { QueueDesk } from '../desk.js'
import { QUEUES, type QueueName } from '../names.js'
import type { Budget } from './ceiling.js'
import { Fleet, type FleetEnd } from './fleet.js'
import type { QueueAsk } from './health.js'
import { QueueTimes } from './job-times.js'
import type { Patience } from './leaving.js'
import { loadsOf } from './loads.js'
import { WorkerMemory } from './machine.js'
import { NoticeBoard } from './notice-board.js'
import { Orphans } from './orphans.js'
import { type Plan, plan } from './plan.js'
import { freshMemory } from './plan-memory.js'
import { type Look, QueueWatch } from './queue-watch.js'
import type { Systemd } from './systemd.js'
import type { WorkerCommand } from './worker-process.js'

const TURN_MS = 1_000
const DRAIN_TURN_MS = 100
const SCALINGS_KEPT = 10
const CEILING_SAID_EVERY_MS = 300_000

export interface SupervisorOptions {
  readonly min: number
  readonly max: number
  readonly targetWaitMs: number
  readonly queues: readonly QueueName[]
  /** Jobs of one queue that one worker runs at the same time. */
  readonly slots: number
  /** Bytes that the workers may take together. */
  readonly memoryBytes: number
  /** Null where the database has no bound of its own. */
  readonly connections: Budget | null
  readonly patience: Patience
  /** What the command line of a worker has that tells it from those of other installations. */
  readonly installation: string
  readonly command: WorkerCommand
  readonly desk: QueueDesk
  readonly board: Board
  readonly systemd: Systemd
  readonly log: Log
  /** For the operator, at any log level. */
  readonly note: (line: string) => void
}

/** Keeps `min` to `max` worker processes alive, and as many as the queues need. */
export class Supervisor {
  private readonly startedAt = Date.now()
  private readonly fleet: Fleet
  private readonly watch: QueueWatch
  private readonly notices: NoticeBoard
  private readonly orphans: Orphans
  private readonly times = new QueueTimes()
  private readonly memoryOfOne = new WorkerMemory()
  private scalings: Scaling[] = []
  private planned: Plan | null = null
  private state: SupervisorCard['state'] = 'working'
  private ready = false
  private ceilingSaidAt = Number.NEGATIVE_INFINITY

  constructor(private readonly options: SupervisorOptions) {
    const { desk, board, log, queues, patience, command } = options
    this.watch = new QueueWatch(desk, board, log)
    this.notices = new NoticeBoard(board, log)
    this.orphans = new Orphans(patience.drainMs, options.installation, log)
    this.fleet = new Fleet({ queues, patience, command, log, onDeath: death => this.notices.noteDeath(death) })
  }

  /**
   * Until the signal aborts: then all the workers have drained, or are killed after the drain deadline.
   * @throws {Failure} what workers say, when one after another refuses to start
   */
  async run(signal: AbortSignal): Promise<FleetEnd> {
    this.watch.start()
    this.fleet.want(null, this.options.min, performance.now())
    try {
      while (!signal.aborted && this.fleet.gaveUp === null) {
        this.turn(performance.now())
        await sleep(TURN_MS, signal).catch(() => {})
      }
      await this.drain()
      if (!signal.aborted && this.fleet.gaveUp !== null) throw this.fleet.gaveUp
      return this.fleet.end()
    } finally {
      this.fleet.killAll()
      await this.watch.close()
      await this.notices.close(thisProcess())
      await this.options.systemd.told()
    }
  }

  pause(): void {
    if (this.state !== 'working') return
    this.state = 'paused'
    this.fleet.tell('pause')
    this.options.note('paused: workers finish what they have begun, and take no new jobs until SIGUSR2')
  }

  resume(): void {
    if (this.state !== 'paused') return
    this.state = 'working'
    this.fleet.tell('resume')
    this.options.note('resumed')
  }

  /** New workers read the settings anew. */
  reload(): void {
    this.options.systemd.reloading()
    this.options.note('reloading: workers are replaced one after another, by such that have read the settings anew')
    this.ready = false
    this.fleet.renew()
  }

  private turn(now: number): void {
    const { fleet, options, watch } = this
    const look = watch.latest(now)
    const cards = fleet.cards()
    this.orphans.step(now, look?.cards ?? [])
    if (look !== null && this.state === 'working') this.scale(now, look)
    fleet.step(now, look === null ? null : this.asks(now, look))
    this.notices.step(now, () => this.card(cards.length))
    const status = `${this.state}: ${fleet.told} of ${fleet.size} workers consume${look === null ? '; Redis does not answer' : ''}`
    if (this.ready) options.systemd.say(status)
    else if (fleet.isSettled) {
      this.ready = true
      options.systemd.ready(status)
    }
    options.systemd.turn(now)
  }

  private scale(now: number, look: Look): void {
    const { fleet, options } = this
    const own = fleet.cards()
    const others = look.cards.filter(card => card.supervisor !== thisProcess())
    this.times.look(now, [...own, ...others])
    const queues = loadsOf({
      queues: options.queues,
      counts: look.counts,
      own,
      others,
      slots: options.slots,
      times: this.times,
      canaryWaits: queue => this.watch.canaryWaits(queue),
      wallNow: Date.now(),
    })
    const next = plan({
      now,
      queues,
      there: {
        generalists: fleet.consuming(null),
        specialists: Object.fromEntries(options.queues.map(queue => [queue, fleet.consuming(queue)])),
        beside: fleet.beside,
      },
      limits: { ...options, memory: { all: options.memoryBytes, perWorker: this.memoryOfOne.look(now, own) } },
      memory: this.planned?.memory ?? freshMemory(now),
    })
    for (const change of next.changes) {
      this.options.note(`${change.from} -> ${change.to} workers: ${change.why}`)
      this.scalings = [{ at: Date.now(), ...change }, ...this.scalings].slice(0, SCALINGS_KEPT)
    }
    this.sayCeiling(next, now)
    this.planned = next
    for (const queue of QUEUES) fleet.want(queue, next.specialists[queue] ?? 0, now)
  }

  /** When a budget keeps it from growing: not more often than every few minutes, for the numbers of a budget move with every look. */
  private sayCeiling({ ceiling }: Plan, now: number): void {
    if (ceiling.cut === null || ceiling.workers === this.planned?.ceiling.workers) return
    if (now - this.ceilingSaidAt < CEILING_SAID_EVERY_MS) return
    this.ceilingSaidAt = now
    this.options.log.warn(`no more than ${ceiling.workers} workers instead of ${this.options.max}: ${ceiling.cut}`)
  }

  /** What workers may be expected to take; sends canaries where a worker has free slots. */
  private asks(now: number, look: Look): Map<QueueName, QueueAsk> {
    const idle = (name: QueueName) =>
      this.fleet
        .cards()
        .some(card => card.state === 'working' && card.queues.some(queue => queue.name === name && queue.active < queue.slots))
    return new Map(
      look.counts.map(({ name, waiting, paused }) => {
        if (!paused && idle(name)) this.watch.sendCanary(name, now)
        return [name, { waiting: waiting > 0 || this.watch.canaryWaits(name), paused }]
      }),
    )
  }

  private async drain(): Promise<void> {
    const { options, fleet, notices } = this
    this.state = 'draining'
    options.systemd.stopping()
    options.note(`draining: workers have up to ${options.patience.drainMs / 1000} s for what they have begun`)
    fleet.stop(performance.now())
    while (!fleet.isEmpty) {
      const now = performance.now()
      fleet.step(now, null)
      notices.step(now, () => this.card(fleet.cards().length))
      options.systemd.turn(now)
      await sleep(DRAIN_TURN_MS)
    }
  }

  private card(workers: number): SupervisorCard {
    const { min, max, targetWaitMs } = this.options
    const [id, now] = [thisProcess(), Date.now()]
    return {
      id,
      pid: process.pid,
      host: hostname(),
      state: this.state,
      startedAt: this.startedAt,
      seenAt: now,
      min,
      max,
      ceiling: this.planned?.ceiling.workers ?? max,
      workers,
      targetWaitS: targetWaitMs / 1000,
      scalings: this.scalings,
    }
  }
}
