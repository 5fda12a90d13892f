import { Counter, Gauge, Registry } from 'prom-client'
import { QUEUES, type QueueName } from '../queues/index.js'
import { FIGURES, type Figure } from './figures.js'
import { type JobCounts, JobDeltas } from './job-deltas.js'
import type { Overview } from './overview.js'

/** The page that Prometheus reads, in its text format 0.0.4: the newest overview as gauges, and sums since this process began. */
export class Exposition {
  private readonly registry = new Registry()
  private readonly gauges: readonly { figure: Figure; gauge: Gauge<string> }[]
  private readonly up: Gauge
  private readonly deltas: JobDeltas
  private readonly sums: readonly { of: (counts: JobCounts) => number; counter: Counter<'queue'> }[]

  constructor(startedAt: number) {
    const registers = [this.registry]
    this.up = new Gauge({
      name: 'feedctl_up',
      help: '1 when queues and catalog could be read; without, there is nothing else but sums.',
      registers,
    })
    this.gauges = FIGURES.map(figure => {
      const { name, help, label } = figure
      return { figure, gauge: new Gauge({ name, help, labelNames: label === null ? [] : [label], registers }) }
    })
    this.deltas = new JobDeltas(startedAt)
    this.sums = [
      this.sum('feedctl_jobs_finished_total', 'Jobs that workers finished, as far as they were seen.', counts => counts.finished),
      this.sum(
        'feedctl_jobs_failed_total',
        'Jobs that failed for good, as far as they were seen; attempts that are tried again are not counted.',
        counts => counts.failed,
      ),
      this.sum(
        'feedctl_jobs_busy_seconds_total',
        'Time that jobs took, as far as they were seen.',
        counts => counts.busyMs / 1000,
      ),
    ]
  }

  get contentType(): string {
    return this.registry.contentType
  }

  /** `overview`: null when it could not be read. */
  page(overview: Overview | null): Promise<string> {
    this.up.set(overview === null ? 0 : 1)
    for (const { figure, gauge } of this.gauges) show(figure, gauge, overview)
    if (overview !== null) this.count(this.deltas.take(overview.workers, overview.at))
    return this.registry.metrics()
  }

  private count(done: ReadonlyMap<QueueName, JobCounts>): void {
    for (const { of, counter } of this.sums) for (const [queue, counts] of done) counter.inc({ queue }, of(counts))
  }

  private sum(name: string, help: string, of: (counts: JobCounts) => number) {
    const counter = new Counter({ name, help, labelNames: ['queue'] as const, registers: [this.registry] })
    for (const queue of QUEUES) counter.inc({ queue }, 0)
    return { of, counter }
  }
}

function show({ label, of }: Figure, gauge: Gauge<string>, overview: Overview | null): void {
  gauge.reset()
  // What has no label is 0 after a reset, and 0 is a value.
  if (label === null) gauge.remove()
  for (const [name, value] of overview === null ? [] : of(overview)) {
    if (label === null || name === null) gauge.set(value)
    else gauge.set({ [label]: name }, value)
  }
}
