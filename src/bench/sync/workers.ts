import { type ChildPlace, FeedctlChild, failureOf } from './child.js'
import { type Usage, usageOf } from './usage.js'

/** `feedctl queue work` says this on stderr when it consumes. */
const READY = 'working on '

/** Processes that consume the queue of a place. Disposing ends them. */
export class Workers implements AsyncDisposable {
  private constructor(private readonly children: readonly FeedctlChild[]) {}

  /** Returns when all of them consume; `flags`: of `queue work`. @throws {Failure} when one ends instead */
  static async start(count: number, place: ChildPlace, signal: AbortSignal, flags: readonly string[] = []): Promise<Workers> {
    const started = Array.from({ length: count }, () => startWorker(place, flags))
    const workers = new Workers(started.map(one => one.child))
    const stop = () => void workers[Symbol.asyncDispose]()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await Promise.all(started.map(one => one.ready))
      return workers
    } catch (error) {
      await workers[Symbol.asyncDispose]()
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  get pids(): number[] {
    return this.children.map(child => child.pid)
  }

  usages(): Usage[] {
    return this.pids.map(usageOf)
  }

  /** Workers that ended though nobody asked them to. */
  get lost(): number {
    return this.children.filter(child => !child.alive).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.children.map(child => child.stop()))
  }
}

function startWorker(place: ChildPlace, flags: readonly string[]): { child: FeedctlChild; ready: Promise<void> } {
  let isReady: () => void = () => {}
  const said = new Promise<void>(resolve => {
    isReady = resolve
  })
  const child = FeedctlChild.start(['queue', 'work', ...flags], place, line => {
    if (line.startsWith(READY)) isReady()
  })
  const endedFirst = child.ended.then(end => Promise.reject(failureOf('a worker', end)))
  return { child, ready: Promise.race([said, endedFirst]) }
}
