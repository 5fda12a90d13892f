import type { RateStep } from '../result.js'
import type { Chart } from './chart.js'
import { plain } from './figures.js'

/** The rates that were tried, and what latency came of each; null when none were. */
export function ratesChart(steps: readonly RateStep[]): Chart | null {
  if (steps.length === 0) return null
  const sorted = [...steps].sort((one, other) => one.rate - other.rate)
  const highest = sorted.findLast(passes)
  const found = highest === undefined ? 'None met it.' : `The highest that met it: ${plain(highest.rate)} requests per second.`
  const points = (wanted: (step: RateStep) => boolean) => sorted.map(step => (wanted(step) ? step.p99Ms : null))
  return {
    id: 'rates',
    title: 'Search for the highest rate',
    caption: `The 99th percentile of the latency at each rate that was tried, and the goal. ${found} Steps that are not valid say nothing of the server.`,
    xAxis: { label: 'requests per second', log: true },
    yAxis: { label: 'ms', log: true },
    x: sorted.map(({ rate }) => rate),
    series: [
      { name: 'goal', ink: 'muted', look: 'dashed', values: sorted.map(({ goalMs }) => goalMs) },
      { name: 'pass', ink: 'ok', look: 'points', values: points(passes) },
      { name: 'fail', ink: 'bad', look: 'points', values: points(({ valid, pass }) => valid && !pass) },
      { name: 'INVALID', ink: 'muted', look: 'points', values: points(({ valid }) => !valid) },
    ],
    ...{ bands: [], marks: [] },
    table: {
      columns: ['step', 'rate', 'answered per second', 'p99, ms', 'goal, ms', 'verdict', 'why'],
      rows: steps.map((step, n) => [
        String(n + 1),
        ...[step.rate, step.achieved, step.p99Ms, step.goalMs],
        ...[step.valid ? (step.pass ? 'pass' : 'fail') : 'INVALID', step.why ?? ''],
      ]),
    },
  }
}

function passes({ valid, pass }: RateStep): boolean {
  return valid && pass
}
