import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { AnswerTally } from './answers/tally.js'

const NANOSECONDS = 1e9
const DELAY_RESOLUTION_MS = 20

/** What Prometheus reads, and its type. */
export interface MetricsPage {
  readonly type: string
  readonly text: string
}

/** Figures as prom-client has them: `getMetricsAsJSON`, or `get` of some of them. */
export type MetricsJson = readonly {
  readonly name: string
  readonly type: string
  readonly values: readonly MetricValue[]
}[]

export interface MetricValue {
  readonly value: number
  readonly labels: Readonly<Partial<Record<string, string | number>>>
  /** Of a histogram: which of its parts this is. */
  readonly metricName?: string
}

/** What a process of the API counts for `/metrics`. */
export class ApiMetrics {
  readonly registry = new Registry()
  /** Counted where connections are, not by routes: see `answered`. */
  readonly requests = new Counter({
    name: 'feedctl_api_requests_total',
    help: 'Requests that were answered, by status.',
    labelNames: ['status'] as const,
    registers: [this.registry],
    collect: () => this.showStatuses(),
  })
  readonly seconds = new Histogram({
    name: 'feedctl_api_request_seconds',
    help: 'How long requests took that were not answered from ready answers, by route.',
    labelNames: ['route'] as const,
    registers: [this.registry],
  })
  readonly answers = new Counter({
    name: 'feedctl_api_answers_total',
    help: 'Answers by where they came from: near (this process), far (shared), built (database), stale (kept, the database is away).',
    labelNames: ['from'] as const,
    registers: [this.registry],
    collect: () => this.showAnswers(),
  })
  readonly events = new Counter({
    name: 'feedctl_api_events_total',
    help: 'Analytics events by what became of them: accepted, refused, behind.',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  })
  private tally: AnswerTally | null = null
  private readonly statuses = new Map<number, number>()
  private readonly delays = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })

  /** `connections`: how many are open. */
  constructor(private readonly connections: () => number = () => 0) {
    this.gauge('feedctl_api_processes', 'Processes that serve.', 'sum', () => 1)
    this.gauge('feedctl_api_connections', 'Connections that are open.', 'sum', () => this.connections())
    this.gauge('feedctl_api_resident_bytes', 'Memory of the processes.', 'sum', () => process.memoryUsage.rss())
    this.gauge(
      'feedctl_api_event_loop_delay_seconds',
      'How late the event loop was, 99 of 100 times, since this was last asked; of several processes the latest.',
      'max',
      () => this.takeDelay(),
    )
    this.delays.enable()
  }

  /** To be called once for every answer, whoever gave it. */
  answered(status: number): void {
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
  }

  /** Ready answers are counted in plain numbers, which are read when somebody asks for the page. */
  countAnswers(tally: AnswerTally): void {
    this.tally = tally
    this.gauge('feedctl_api_answers_kept', 'Answers that are kept ready to send.', 'sum', () => tally.entries)
    this.gauge('feedctl_api_answers_kept_bytes', 'Bytes of the answers that are kept ready to send.', 'sum', () => tally.bytes)
    this.gauge(
      'feedctl_api_answers_hit_ratio',
      'Share of the answers that the database was not asked for, 0 to 1; of several processes the average.',
      'average',
      () => tally.hitRatio,
    )
  }

  async page(): Promise<MetricsPage> {
    return { type: this.registry.contentType, text: await this.registry.metrics() }
  }

  async all(): Promise<MetricsJson> {
    return (await this.registry.getMetricsAsJSON()) as unknown as MetricsJson
  }

  /** What only grows, and what rates are told from. Reading it resets nothing that the page shows. */
  async counted(): Promise<MetricsJson> {
    const { requests, answers, events, seconds } = this
    return (await Promise.all([requests, answers, events, seconds].map(one => one.get()))) as unknown as MetricsJson
  }

  close(): void {
    this.delays.disable()
  }

  private showStatuses(): void {
    this.requests.reset()
    for (const [status, count] of this.statuses) this.requests.inc({ status: String(status) }, count)
  }

  private showAnswers(): void {
    this.answers.reset()
    for (const [from, count] of Object.entries(this.tally?.from ?? {})) this.answers.inc({ from }, count)
  }

  /** Without the resolution, which is in each of its figures. */
  private takeDelay(): number {
    const delay = this.delays.count === 0 ? 0 : this.delays.percentile(99) / NANOSECONDS - DELAY_RESOLUTION_MS / 1000
    this.delays.reset()
    return Math.max(0, delay)
  }

  private gauge(name: string, help: string, aggregator: 'sum' | 'max' | 'average', read: () => number): void {
    const collect = function (this: Gauge) {
      this.set(read())
    }
    new Gauge({ name, help, aggregator, registers: [this.registry], collect })
  }
}
