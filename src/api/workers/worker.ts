import type { Worker as ClusterWorker } from 'node:cluster'
import type { App } from '../../app.js'
import { Failure, wordsOf } from '../../kernel/errors.js'
import type { MetricsPage } from '../metrics.js'
import { type Leave, serveApi } from '../server.js'
import { isToWorker, type MetricsJson, tell } from './messages.js'

const PAGE_PATIENCE_MS = 5_000

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
    const api = await serveApi(app, place, { metricsPage: () => line.askPage() })
    const { metrics } = api.built
    const counted = async () => (await metrics.registry.getMetricsAsJSON()) as unknown as MetricsJson
    line.onMetrics(counted)
    tell(self, { is: 'serving', url: api.url, drainMs: app.config.drainMs })
    const end = await api.stop(app.config.drainMs, await line.left)
    tell(self, { is: 'ended', end, metrics: await counted() })
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
  private metrics: (() => Promise<MetricsJson>) | null = null
  private readonly pages = new Map<number, (page: MetricsPage) => void>()
  private asked = 0

  constructor(private readonly self: ClusterWorker) {
    let resolve: (leave: Leave) => void = () => {}
    this.left = new Promise(resolved => {
      resolve = resolved
    })
    this.leave = resolve
    self.on('message', message => this.hear(message))
  }

  onMetrics(metrics: () => Promise<MetricsJson>): void {
    this.metrics = metrics
  }

  /** @throws {Failure} UNAVAILABLE */
  askPage(): Promise<MetricsPage> {
    const id = ++this.asked
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.pages.delete(id)
        reject(new Failure('UNAVAILABLE', 'the process that has started this one does not give the metrics of all'))
      }, PAGE_PATIENCE_MS)
      this.pages.set(id, page => {
        clearTimeout(late)
        resolve(page)
      })
      tell(this.self, { is: 'asking-page', id })
    })
  }

  private hear(message: unknown): void {
    if (!isToWorker(message)) return
    if (message.do === 'leave') this.leave(message.leave)
    else if (message.do === 'tell-metrics') void this.tellMetrics(message.id)
    else {
      this.pages.get(message.id)?.(message.page)
      this.pages.delete(message.id)
    }
  }

  private async tellMetrics(id: number): Promise<void> {
    tell(this.self, { is: 'metrics', id, metrics: (await this.metrics?.()) ?? [] })
  }
}
