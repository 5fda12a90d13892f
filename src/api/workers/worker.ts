import type { Worker as ClusterWorker } from 'node:cluster'
import type { App } from '../../app.js'
import { Failure, wordsOf } from '../../kernel/errors.js'
import type { ApiMetrics, MetricsJson, MetricsPage } from '../metrics.js'
import { type Leave, serveApi } from '../server.js'
import { isToWorker, type MetricsPart, tell } from './messages.js'

const PATIENCE_MS = 5_000

export interface WorkerOptions {
  readonly open: () => Promise<App>
  readonly place: { readonly host: string; readonly port: number }
  /** Aborted when this process itself is told to end. */
  readonly signal: AbortSignal
}

/** Serves as one of several processes, until it is told to leave. What keeps it from serving is told to the process that has forked it; only a bug is thrown here too. */
export async function serveAsWorker(self: ClusterWorker, { open, place, signal }: WorkerOptions): Promise<void> {
  const line = new Line(self)
  signal.addEventListener('abort', () => line.leave({ lingerMs: 0, succeeded: false }), { once: true })
  try {
    await using app = await open()
    const api = await serveApi(app, place, {
      metricsPage: () => line.askPage(),
      counted: () => line.askCounted(),
    })
    const { metrics } = api.built
    line.onMetrics(metrics)
    tell(self, { is: 'serving', url: api.url, drainMs: app.config.drainMs })
    const end = await api.stop(app.config.drainMs, await line.left)
    tell(self, { is: 'ended', end, metrics: await metrics.all() })
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure('UNAVAILABLE', wordsOf(error))
    tell(self, { is: 'refused', failure: failure.toJSON() })
    if (failure !== error) throw error
  } finally {
    self.disconnect()
  }
}

/** To the process that has forked this one. */
class Line {
  readonly left: Promise<Leave>
  readonly leave: (leave: Leave) => void
  private metrics: ApiMetrics | null = null
  private readonly pages = new Answers<MetricsPage>()
  private readonly sums = new Answers<MetricsJson>()

  constructor(private readonly self: ClusterWorker) {
    let resolve: (leave: Leave) => void = () => {}
    this.left = new Promise(resolved => {
      resolve = resolved
    })
    this.leave = resolve
    self.on('message', message => this.hear(message))
  }

  onMetrics(metrics: ApiMetrics): void {
    this.metrics = metrics
  }

  /** @throws {Failure} UNAVAILABLE */
  askPage(): Promise<MetricsPage> {
    return this.pages.ask(id => tell(this.self, { is: 'asking-page', id }))
  }

  /** @throws {Failure} UNAVAILABLE */
  askCounted(): Promise<MetricsJson> {
    return this.sums.ask(id => tell(this.self, { is: 'asking-counted', id }))
  }

  private hear(message: unknown): void {
    if (!isToWorker(message)) return
    if (message.do === 'leave') this.leave(message.leave)
    else if (message.do === 'say-alive') tell(this.self, { is: 'alive' })
    else if (message.do === 'tell-metrics') void this.tellMetrics(message.id, message.part)
    else if (message.do === 'take-page') this.pages.take(message.id, message.page)
    else this.sums.take(message.id, message.counted)
  }

  private async tellMetrics(id: number, part: MetricsPart): Promise<void> {
    tell(this.self, { is: 'metrics', id, metrics: (await this.metrics?.[part]()) ?? [] })
  }
}

/** Waits for what the other end is asked for. */
class Answers<T> {
  private readonly waiting = new Map<number, (answer: T) => void>()
  private asked = 0

  ask(send: (id: number) => void): Promise<T> {
    const id = ++this.asked
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.waiting.delete(id)
        reject(new Failure('UNAVAILABLE', 'the process that has started this one does not give the metrics of all'))
      }, PATIENCE_MS)
      this.waiting.set(id, answer => {
        clearTimeout(late)
        resolve(answer)
      })
      send(id)
    })
  }

  /** Calm when nobody waits for it any more. */
  take(id: number, answer: T): void {
    this.waiting.get(id)?.(answer)
    this.waiting.delete(id)
  }
}
