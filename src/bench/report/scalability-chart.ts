import { median } from '../judging.js'
import { type Coefficients, throughputOf } from '../model/law.js'
import type { ScalabilityModel } from '../model/model.js'
import type { Chart } from './chart.js'
import { plain } from './figures.js'

const STEPS = 120

/** Throughput by processes: what was measured, what the model says between and beyond, and where it says nothing any more. */
export function scalabilityChart(model: ScalabilityModel): Chart {
  const points = [...model.points].sort((one, other) => one.processes - other.processes)
  const most = points.at(-1)?.processes ?? 1
  const step = Math.max(1, model.mostProcesses - 1) / STEPS
  const fitted = Array.from({ length: STEPS + 1 }, (_, n) => Number((1 + n * step).toFixed(4)))
  // The law is not always its own inverse: of the points themselves it is asked too.
  const x = [...new Set([...fitted, ...points.map(({ processes }) => processes)])].sort((one, other) => one - other)
  const { worst, best } = cornersOf(model)
  const looks = Math.max(0, ...points.map(({ perS }) => perS.length))
  const measured = Array.from({ length: looks }, (_, look) => ({
    name: look === 0 ? 'measured' : '',
    ink: 'c1' as const,
    look: 'points' as const,
    values: x.map(n => points.find(({ processes }) => processes === n)?.perS[look] ?? null),
  }))
  return {
    id: 'scalability',
    title: 'Scalability',
    caption: captionOf(model, most),
    xAxis: { label: 'processes', whole: true },
    yAxis: { label: 'per second' },
    x,
    series: [
      { name: '', ink: 'c1', look: 'hidden', values: x.map(n => throughputOf(best, n)) },
      { name: '', ink: 'c1', look: 'hidden', values: x.map(n => throughputOf(worst, n)) },
      { name: 'fitted', ink: 'c1', look: 'line', values: x.map(n => (n <= most ? throughputOf(model, n) : null)) },
      { name: 'extrapolated', ink: 'c1', look: 'dashed', values: x.map(n => (n >= most ? throughputOf(model, n) : null)) },
      ...measured,
    ],
    bands: [[0, 1]],
    marks: marksOf(model, most),
    table: {
      columns: ['processes', 'measured per second', 'least', 'most', 'fitted', 'interval from', 'to'],
      rows: points.map(({ processes, perS }) => [
        String(processes),
        ...[median(perS), ...(perS.length === 0 ? [null, null] : [Math.min(...perS), Math.max(...perS)])],
        ...[model, worst, best].map(one => throughputOf(one, processes)),
      ]),
    },
  }
}

/** The law with every coefficient at its bad end, and at its good end: what is between them is at least the interval. */
function cornersOf({ intervals: { lambda, sigma, kappa } }: ScalabilityModel): { worst: Coefficients; best: Coefficients } {
  return {
    worst: { lambda: lambda[0], sigma: sigma[1], kappa: kappa[1] },
    best: { lambda: lambda[1], sigma: sigma[0], kappa: kappa[0] },
  }
}

function captionOf(
  { lambda, sigma, kappa, rSquared, knee, kneeInterval, mostProcesses, bottleneck }: ScalabilityModel,
  most: number,
): string {
  const limit = {
    contention: 'What limits it is contention: work that only one can do at a time.',
    coherency: 'What limits it is coherency: what processes have to tell each other.',
    none: 'Nothing is known to limit it.',
  }[bottleneck]
  const between = kneeInterval === null ? '' : ` (${kneeInterval.map(bound => plain(Number(bound.toFixed(1)))).join(' to ')})`
  const top =
    knee === null ? 'No knee is known.' : `Beyond ${plain(Number(knee.toFixed(1)))}${between} processes more of them do less.`
  return `The Universal Scalability Law fitted to what was measured: one process does ${plain(lambda)} per second, contention ${plain(sigma)}, coherency ${plain(kappa)}, R² ${rSquared.toFixed(3)}. ${limit} ${top} Measured up to ${most}; nothing is said beyond ${plain(mostProcesses)}. The band is as wide as the intervals of all coefficients allow.`
}

function marksOf({ knee, mostProcesses }: ScalabilityModel, most: number): Chart['marks'] {
  return [
    { x: most, label: 'measured up to here', ink: 'muted' },
    ...(knee !== null && knee <= mostProcesses ? [{ x: knee, label: 'knee', ink: 'bad' as const }] : []),
    { x: mostProcesses, label: 'end of extrapolation', ink: 'muted' },
  ]
}
