import type { LatencyDistribution } from '../result.js'
import { type Chart, inkOf } from './chart.js'

/** Percentiles in the table. */
const TOLD = [50, 75, 90, 95, 99, 99.9]
/** Of each ten times fewer requests so many points. */
const POINTS_PER_DECADE = 16
const TICKS = [50, 90, 99, 99.9, 99.99, 99.999]

/** Which part of all requests took at most how long: the rarer, the further right; null when nothing was measured. */
export function latencyChart(distributions: readonly LatencyDistribution[]): Chart | null {
  const measured = distributions.filter(({ count }) => count > 0)
  const most = Math.max(0, ...measured.map(({ count }) => count))
  if (most === 0) return null
  const steps = Math.ceil(Math.log10(most) * POINTS_PER_DECADE)
  const x = Array.from({ length: steps + 1 }, (_, step) => 10 ** (step / POINTS_PER_DECADE))
  return {
    id: 'latency',
    title: 'Latency',
    caption:
      'Which part of the requests took at most how long. To the right are the slowest: one in ten, in a hundred, in a thousand. A line ends where there are too few requests to tell.',
    xAxis: { label: 'percentile', log: true, ticks: TICKS.map(percent => [1 / (1 - percent / 100), `${percent} %`]) },
    yAxis: { label: 'ms', log: true },
    x,
    series: measured.map((one, n) => ({
      name: one.name,
      ink: inkOf(n),
      look: 'line',
      values: x.map(rarity => (rarity <= one.count ? percentileOf(one, (1 - 1 / rarity) * 100) : null)),
    })),
    ...{ bands: [], marks: [] },
    table: {
      columns: ['ms', 'requests', ...TOLD.map(percent => `p${percent}`), 'most'],
      rows: measured.map(one => [
        one.name,
        one.count,
        ...TOLD.map(percent => percentileOf(one, percent)),
        percentileOf(one, 100),
      ]),
    },
  }
}

/** What so many percent of the requests did not exceed, ms. */
export function percentileOf({ buckets, count }: LatencyDistribution, percent: number): number | null {
  // What rounding adds is no request.
  let left = Math.max(1, Math.ceil((count * percent) / 100 - 1e-6))
  for (const bucket of buckets) {
    left -= bucket.count
    if (left <= 0) return bucket.upToMs
  }
  return buckets.at(-1)?.upToMs ?? null
}
