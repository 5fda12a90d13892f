import { QUEUES, type QueueName } from '../../../src/queues/names.js'
import type { Limits } from '../../../src/queues/supervisor/ceiling.js'
import { JobTimes } from '../../../src/queues/supervisor/job-times.js'
import type { QueueLoad } from '../../../src/queues/supervisor/load.js'
import { WorkerMemory } from '../../../src/queues/supervisor/machine.js'
import { type Change, plan } from '../../../src/queues/supervisor/plan.js'
import { freshMemory } from '../../../src/queues/supervisor/plan-memory.js'

const STEP_MS = 1_000
/** A worker process needs this long until it consumes. */
const START_MS = 3_000

export interface SimulatedJob {
  readonly at: number
  readonly ms: number
}

export type Arrivals = Partial<Record<QueueName, readonly SimulatedJob[]>>

export interface DayEnd {
  readonly changes: readonly (Change & { readonly at: number })[]
  /** How long each job waited, ms, in the order they were begun. */
  readonly waits: Readonly<Record<QueueName, readonly number[]>>
  /** Workers wanted, second by second. */
  readonly workers: readonly number[]
  /** Worker processes, second by second: those that leave are there until their jobs have ended. */
  readonly processes: readonly number[]
  readonly undone: number
}

interface SimulatedWorker {
  readonly queue: QueueName | null
  readonly upAt: number
  leaving: boolean
  /** When each slot is free again, by queue. */
  readonly free: Map<QueueName, number[]>
}

/** Queues with arrivals in order of time, and workers as the plan wants them; every second a look. Everything is a number: no process, no clock. */
export class SimulatedDay {
  private readonly workers: SimulatedWorker[] = []
  private readonly begun = new Map<QueueName, number>()
  private readonly running = new Map<QueueName, { from: number; to: number }[]>()
  private readonly times = new Map<QueueName, JobTimes>()
  private readonly waits = Object.fromEntries(QUEUES.map(name => [name, [] as number[]])) as Record<QueueName, number[]>

  constructor(
    private readonly arrivals: Arrivals,
    private readonly limits: Limits,
    private readonly slots: number,
    /** What a worker takes at an age, bytes; without it the limits say. */
    private readonly bytesAt: ((ageMs: number) => number) | null = null,
  ) {
    for (let count = 0; count < limits.min; count++) this.start(null, -START_MS)
  }

  run(untilMs: number): DayEnd {
    const changes: (Change & { at: number })[] = []
    const wanted: number[] = []
    const processes: number[] = []
    const memoryOfOne = new WorkerMemory()
    let memory = freshMemory(0)
    for (let now = 0; now < untilMs; now += STEP_MS) {
      const queues = QUEUES.map(name => this.look(name, now))
      const specialists = Object.fromEntries(
        QUEUES.map(name => [name, this.up(now).filter(worker => worker.queue === name).length]),
      )
      const beside = this.leaving(now)
      const limits = this.limitsAt(now, memoryOfOne)
      const next = plan({ now, queues, there: { generalists: this.limits.min, specialists, beside }, limits, memory })
      memory = next.memory
      changes.push(...next.changes.map(change => ({ ...change, at: now })))
      for (const name of QUEUES) this.keep(name, next.specialists[name] ?? 0, now)
      wanted.push(this.workers.filter(worker => !worker.leaving).length)
      processes.push((wanted.at(-1) ?? 0) + this.leaving(now))
      for (const name of QUEUES) this.work(name, now + STEP_MS)
    }
    const undone = QUEUES.reduce((sum, name) => sum + (this.arrivals[name]?.length ?? 0) - (this.begun.get(name) ?? 0), 0)
    return { changes, waits: this.waits, workers: wanted, processes, undone }
  }

  /** Of those that leave, the ones that still have a job. */
  private leaving(now: number): number {
    const busy = (worker: SimulatedWorker) => [...worker.free.values()].some(slots => slots.some(until => until > now))
    return this.workers.filter(worker => worker.leaving && busy(worker)).length
  }

  private limitsAt(now: number, memoryOfOne: WorkerMemory): Limits {
    const { limits } = this
    const bytesAt = this.bytesAt
    if (bytesAt === null) return limits
    const cards = this.up(now).map(({ upAt }) => ({ rssBytes: bytesAt(now - upAt) }))
    return { ...limits, memory: { ...limits.memory, perWorker: memoryOfOne.look(now, cards) } }
  }

  private start(queue: QueueName | null, now: number): void {
    const upAt = now + START_MS
    const free = new Map((queue === null ? QUEUES : [queue]).map(name => [name, Array<number>(this.slots).fill(upAt)]))
    this.workers.push({ queue, upAt, leaving: false, free })
  }

  private keep(queue: QueueName, count: number, now: number): void {
    const own = this.workers.filter(worker => worker.queue === queue && !worker.leaving)
    for (let more = own.length; more < count; more++) this.start(queue, now)
    for (const worker of own.slice(count)) worker.leaving = true
  }

  private up(now: number): SimulatedWorker[] {
    return this.workers.filter(worker => worker.upAt <= now && !worker.leaving)
  }

  private look(name: QueueName, now: number): QueueLoad {
    const jobs = this.arrivals[name] ?? []
    const first = this.begun.get(name) ?? 0
    let last = first
    while ((jobs[last]?.at ?? Number.POSITIVE_INFINITY) <= now) last++
    const running = this.running.get(name) ?? []
    const ended = running.filter(job => job.to <= now)
    const active = running.filter(job => job.to > now)
    this.running.set(name, active)
    const times = this.times.get(name) ?? new JobTimes()
    this.times.set(name, times)
    times.add(
      now,
      ended.length,
      ended.reduce((sum, job) => sum + job.to - job.from, 0),
    )
    const ages = active.reduce((sum, job) => sum + now - job.from, 0)
    return {
      name,
      waiting: last - first,
      active: active.length,
      meanJobMs: times.meanMs(active.length, ages),
      slots: this.slots,
      elsewhere: 0,
      oldestWaitMs: last > first ? now - (jobs[first]?.at ?? now) : 0,
      paused: false,
    }
  }

  /** Begins what can be begun before the time, in the order of its arrival. */
  private work(name: QueueName, before: number): void {
    const jobs = this.arrivals[name] ?? []
    const running = this.running.get(name) ?? []
    const slots = this.workers.flatMap(worker => {
      const free = worker.leaving ? undefined : worker.free.get(name)
      return free === undefined ? [] : free.map((_at, index) => ({ free, index }))
    })
    for (let next = this.begun.get(name) ?? 0; ; next++) {
      const job = jobs[next]
      let best: { free: number[]; index: number } | null = null
      for (const slot of slots) if (best === null || at(slot) < at(best)) best = slot
      if (job === undefined || best === null || Math.max(job.at, at(best)) >= before) {
        this.begun.set(name, next)
        break
      }
      const from = Math.max(job.at, at(best))
      best.free[best.index] = from + job.ms
      running.push({ from, to: from + job.ms })
      this.waits[name].push(from - job.at)
    }
    this.running.set(name, running)
  }
}

function at(slot: { free: number[]; index: number }): number {
  return slot.free[slot.index] ?? Number.POSITIVE_INFINITY
}

/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Jobs that arrive by chance, so many per second on average, with times around the mean. */
export function poisson(random: () => number, from: number, to: number, perS: number, meanMs: number): SimulatedJob[] {
  const jobs: SimulatedJob[] = []
  for (let now = from; ; ) {
    now += (-Math.log(1 - random()) / perS) * 1_000
    if (now >= to) return jobs
    jobs.push({ at: now, ms: meanMs * (0.5 + random()) })
  }
}

export function inOrder(...parts: readonly SimulatedJob[][]): SimulatedJob[] {
  return parts.flat().sort((a, b) => a.at - b.at)
}

/** Jobs that all arrive at the same time. */
export function burst(at: number, count: number, ms: number): SimulatedJob[] {
  return Array.from({ length: count }, () => ({ at, ms }))
}

/** How often growing was followed by shrinking or the other way round. */
export function turns(changes: readonly Change[]): number {
  const signs = changes.map(({ from, to }) => Math.sign(to - from)).filter(sign => sign !== 0)
  return signs.filter((sign, index) => index > 0 && sign !== signs[index - 1]).length
}
