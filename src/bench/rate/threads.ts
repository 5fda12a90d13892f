import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { NoConnection } from '../api/connection.js'
import { mergedArrivals } from '../api/drawing.js'
import { mergedTally } from '../api/expectations.js'
import { Latencies, type LatencyCounts } from '../api/latencies.js'
import type { RateOrder, RateResult, RefusedRate, RepeatCounts, RepeatResult, ShareOrder, ShareResult } from './order.js'
import { coreTime, idleBetween } from './processor.js'
import type { ThreadWord } from './thread.js'

/** A third of what a thread can send on a slow core: so many more leave it idle enough to be on time. */
const PER_THREAD_PER_S = 8_000
/** From when all threads are ready until the first request is due. */
const LEAD_MS = 20

/** Sends at a rate, spread over threads that each have connections of their own and every nth request. */
export async function sendAtRate(order: RateOrder): Promise<RateResult | RefusedRate> {
  const of = order.threads ?? threadsFor(order.perS, availableParallelism())
  const threads = Array.from({ length: of }, (_, part) => new Thread({ ...order, part, of }))
  try {
    await Promise.all(threads.map(thread => thread.ready))
    const begin = performance.timeOrigin + performance.now() + LEAD_MS
    for (const thread of threads) thread.begin(begin)
    const watching = new AbortController()
    const [shares, machineIdle] = await Promise.all([
      Promise.all(threads.map(thread => thread.done)).finally(() => watching.abort()),
      watchMachine(order, watching.signal),
    ])
    return resultOf(shares, machineIdle)
  } catch (error) {
    if (error instanceof NoConnection) return { refused: error.message }
    throw error
  } finally {
    await Promise.all(threads.map(thread => thread.end()))
  }
}

export function threadsFor(perS: number, cores: number): number {
  return Math.max(1, Math.min(cores, Math.ceil(perS / PER_THREAD_PER_S)))
}

class Thread {
  private readonly worker: Worker
  readonly ready: Promise<void>
  readonly done: Promise<ShareResult>

  constructor(order: ShareOrder) {
    this.worker = new Worker(new URL('./thread.js', import.meta.url), { workerData: order })
    const word = <Kind extends ThreadWord['kind']>(kind: Kind) =>
      new Promise<Extract<ThreadWord, { kind: Kind }>>((resolve, reject) => {
        this.worker.on('message', (said: ThreadWord) => {
          if (said.kind === kind) resolve(said as Extract<ThreadWord, { kind: Kind }>)
          else if (said.kind === 'refused') reject(new NoConnection(said.why))
          else if (said.kind === 'failed') reject(new Error(said.why))
        })
        this.worker.once('error', reject)
        this.worker.once('exit', () => reject(new Error('a thread ended')))
      })
    this.ready = word('ready').then(() => {})
    this.done = word('done').then(({ result }) => result)
    // Who fails before it is ready is heard of by `ready`.
    this.done.catch(() => {})
  }

  begin(at: number): void {
    this.worker.postMessage(at)
  }

  async end(): Promise<void> {
    await this.worker.terminate()
  }
}

/** While requests are due, the warm-up left out. */
async function watchMachine({ warmUpMs, repeatMs, repeats }: RateOrder, signal: AbortSignal): Promise<number | null> {
  const stopped = once(signal, 'abort')
  await Promise.race([pause(LEAD_MS + warmUpMs, undefined, { ref: false }), stopped])
  const before = coreTime()
  await Promise.race([pause(repeatMs * repeats, undefined, { ref: false }), stopped])
  return idleBetween(before, coreTime())
}

function resultOf(shares: readonly ShareResult[], machineIdle: number | null): RateResult {
  const [first] = shares
  if (first === undefined) throw new Error('no threads')
  return {
    threads: shares.length,
    repeats: first.repeats.map((_, n) => together(shares.map(({ repeats }) => repeats[n] as RepeatCounts))),
    arrivals: mergedArrivals(shares.map(({ arrivals }) => arrivals)),
    reopened: shares.reduce((sum, { reopened }) => sum + reopened, 0),
    machineIdle,
  }
}

function together(parts: readonly RepeatCounts[]): RepeatResult {
  const merged = (of: (part: RepeatCounts) => LatencyCounts) =>
    parts.reduce((all, part) => all.merge(of(part)), new Latencies()).counts()
  const cpuShares = parts.flatMap(({ strain }) => (strain.cpuShare === null ? [] : [strain.cpuShare]))
  return {
    tally: mergedTally(parts.map(({ tally }) => tally)),
    latencies: merged(({ latencies }) => latencies),
    answering: merged(({ answering }) => answering),
    lateness: merged(({ lateness }) => lateness),
    came: parts.reduce((sum, { came }) => sum + came, 0),
    waited: parts.reduce((sum, { waited }) => sum + waited, 0),
    strain: {
      loopShare: Math.max(...parts.map(({ strain }) => strain.loopShare)),
      cpuShare: cpuShares.length === 0 ? null : Math.max(...cpuShares),
    },
  }
}
