import { AggregatorRegistry, type PrometheusContentType } from 'prom-client'
import type { MetricsPage } from '../metrics.js'
import type { MetricsJson } from './messages.js'

/** Figures that only grow: what has gone still counts in them. */
const GROWING = new Set(['counter', 'histogram'])

/** The figures of processes that come and go, as of one that stays. */
export class MetricsSum {
  private gone: MetricsJson = []

  /** Keeps what a process has counted that has ended. */
  async keep(metrics: MetricsJson): Promise<void> {
    const growing = metrics.filter(({ type }) => GROWING.has(type))
    this.gone = (await sumOf([this.gone, growing]).getMetricsAsJSON()) as unknown as MetricsJson
  }

  async page(living: readonly MetricsJson[]): Promise<MetricsPage> {
    const registry = sumOf([...living, this.gone])
    return { type: registry.contentType, text: await registry.metrics() }
  }
}

function sumOf(all: readonly MetricsJson[]) {
  return AggregatorRegistry.aggregate<PrometheusContentType>([...all])
}
