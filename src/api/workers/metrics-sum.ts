import { AggregatorRegistry, type PrometheusContentType } from 'prom-client'
import type { MetricsJson, MetricsPage } from '../metrics.js'

/** Figures that only grow: what has gone still counts in them. */
const GROWING = new Set(['counter', 'histogram'])
/** Processes that have gone are made one when there are so many. */
const FOLD_AT = 8

/** The figures of processes that come and go, as of one that stays. */
export class MetricsSum {
  private readonly gone: MetricsJson[] = []
  private isFolding = false

  /** Keeps what a process has counted that has ended: it is in whatever is asked for from now on. */
  keep(metrics: MetricsJson): void {
    this.gone.push(growing(metrics))
    if (this.gone.length >= FOLD_AT && !this.isFolding) void this.fold()
  }

  async page(living: readonly MetricsJson[]): Promise<MetricsPage> {
    const registry = sumOf([...living, ...this.gone])
    return { type: registry.contentType, text: await registry.metrics() }
  }

  /** Only what grows. */
  counted(living: readonly MetricsJson[]): Promise<MetricsJson> {
    return jsonOf([...living.map(growing), ...this.gone])
  }

  private async fold(): Promise<void> {
    this.isFolding = true
    const some = [...this.gone]
    const one = await jsonOf(some)
    // Others may have been added behind them meanwhile.
    this.gone.splice(0, some.length, one)
    this.isFolding = false
  }
}

function growing(metrics: MetricsJson): MetricsJson {
  return metrics.filter(({ type }) => GROWING.has(type))
}

async function jsonOf(all: readonly MetricsJson[]): Promise<MetricsJson> {
  return (await sumOf(all).getMetricsAsJSON()) as unknown as MetricsJson
}

function sumOf(all: readonly MetricsJson[]) {
  return AggregatorRegistry.aggregate<PrometheusContentType>([...all])
}
