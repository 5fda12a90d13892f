import type { ChildPlace } from '../sync/child.js'
import { FeedctlChild, failureOf } from '../sync/child.js'
import { type Usage, usageOf } from '../sync/usage.js'
import type { Target } from './connection.js'
import { processTree, residentBytes } from './processes.js'

/** `feedctl serve` says this on stderr when it answers. */
const READY = /serving on (http:\S+:(\d+))/
const METRICS_WITHIN_MS = 10_000

/** A `feedctl serve` on a free port of this machine. Disposing ends it. */
export class Service implements AsyncDisposable {
  private constructor(
    private readonly child: FeedctlChild,
    readonly target: Target,
  ) {}

  /** Returns when it answers. @throws {Failure} its own, when it ends instead; the signal's reason */
  static async start(place: ChildPlace, workers: number, signal: AbortSignal): Promise<Service> {
    signal.throwIfAborted()
    let isReady: (port: number) => void = () => {}
    const ready = new Promise<number>(resolve => {
      isReady = resolve
    })
    const flags = workers > 1 ? ['--workers', `${workers}`] : []
    const child = FeedctlChild.start(['serve', '--json', '--port', '0', ...flags], place, line => {
      const port = READY.exec(line)?.[2]
      if (port !== undefined) isReady(Number(port))
    })
    const stop = () => void child.stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      const endedFirst = child.ended.then(end => Promise.reject(failureOf('feedctl serve', end)))
      return new Service(child, { host: '127.0.0.1', port: await Promise.race([ready, endedFirst]) })
    } catch (error) {
      await child.stop()
      signal.throwIfAborted()
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  get isAlive(): boolean {
    return this.child.alive
  }

  get origin(): string {
    return `http://${this.target.host}:${this.target.port}`
  }

  pids(): number[] {
    return processTree(this.child.pid)
  }

  /** Of each of its processes. */
  usages(): Usage[] {
    return this.pids().map(usageOf)
  }

  residentBytes(): number | null {
    return residentBytes(this.pids())
  }

  /** The sum of a metric over all of its label sets; null when /metrics has no such name. */
  async metric(name: string): Promise<number | null> {
    const response = await fetch(`${this.origin}/metrics`, { signal: AbortSignal.timeout(METRICS_WITHIN_MS) })
    return sumOf(await response.text(), name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.stop()
  }
}

/** The sum of a metric in the text that Prometheus reads; null when it is not there. */
export function sumOf(text: string, name: string): number | null {
  const values = text
    .split('\n')
    .filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .map(line => Number(line.slice(line.lastIndexOf(' ') + 1)))
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0)
}
