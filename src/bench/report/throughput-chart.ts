import { median } from '../judging.js'
import type { ThroughputSeries } from '../result.js'
import { type Chart, inkOf } from './chart.js'

/** Answers per second over the time of each measurement; null when nothing was measured. */
export function throughputChart(all: readonly ThroughputSeries[]): Chart | null {
  const measured = all.filter(({ perS }) => perS.length > 0)
  if (measured.length === 0) return null
  // An interval is drawn at its end.
  const ends = measured.map(({ everyMs, perS }) => perS.map((_, n) => ((n + 1) * everyMs) / 1000))
  const x = [...new Set(ends.flat())].sort((one, other) => one - other)
  return {
    id: 'throughput',
    title: 'Throughput over time',
    caption:
      'Answers per second in each interval. A line that falls says that something ran out; a tooth, that something stopped for a moment.',
    xAxis: { label: 'seconds' },
    yAxis: { label: 'answers per second' },
    x,
    series: measured.map(({ name, perS }, n) => {
      const at = new Map((ends[n] ?? []).map((end, interval) => [end, perS[interval] ?? null]))
      return { name, ink: inkOf(n), look: 'line', values: x.map(end => at.get(end) ?? null) }
    }),
    ...{ bands: [], marks: [] },
    table: {
      columns: ['answers per second', 'intervals', 'of ms', 'least', 'median', 'most'],
      rows: measured.map(({ name, everyMs, perS }) => [
        name,
        perS.length,
        everyMs,
        Math.min(...perS),
        median(perS),
        Math.max(...perS),
      ]),
    },
  }
}
