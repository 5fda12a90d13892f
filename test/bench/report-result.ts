import { throughputOf } from '../../src/bench/model/law.js'
import type { ScalabilityModel } from '../../src/bench/model/model.js'
import type { LatencyDistribution, MeasuredBench, RateStep } from '../../src/bench/result.js'

export const HOSTILE = `</script><img src=x onerror="document.title='taken'"><b>"bold"</b>`

/** Buckets of a long-tailed latency, a tenth wider each. */
function distribution(name: string, middleMs: number, count: number): LatencyDistribution {
  const buckets = Array.from({ length: 60 }, (_, n) => {
    const upToMs = Number((middleMs * 0.3 * 1.1 ** n).toFixed(3))
    const weight = Math.exp(-((n - 13) ** 2) / (n < 13 ? 16 : 90)) + (n > 40 ? 2e-5 : 0)
    return { upToMs, count: Math.round((count * weight) / 11.6) }
  }).filter(bucket => bucket.count > 0)
  return { name, count: buckets.reduce((sum, bucket) => sum + bucket.count, 0), buckets }
}

const COEFFICIENTS = { lambda: 3_100, sigma: 0.09, kappa: 0.021 }

export const MODEL: ScalabilityModel = {
  ...COEFFICIENTS,
  intervals: { lambda: [2_950, 3_240], sigma: [0.06, 0.12], kappa: [0.018, 0.025] },
  rSquared: 0.991,
  points: [1, 2, 3, 4, 6, 8].map(processes => ({
    processes,
    perS: [0.97, 1, 1.02].map(part => Math.round(throughputOf(COEFFICIENTS, processes) * part)),
  })),
  knee: 6.58,
  kneeInterval: [5.9, 7.4],
  mostProcesses: 24,
  bottleneck: 'coherency',
}

const step = (rate: number, p99Ms: number | null, changes: Partial<RateStep> = {}): RateStep => ({
  ...{ rate, achieved: rate, p99Ms, goalMs: 50, valid: true, pass: p99Ms !== null && p99Ms <= 50, why: null },
  ...changes,
})

const row = { min: null, max: null, samples: 3, pass: null, valid: true, why: null, target: null, verdict: null } as const

/** A result with everything that a page can show. */
export function resultWith(changes: Partial<MeasuredBench> = {}): MeasuredBench {
  return {
    scenario: 'api',
    at: Date.UTC(2026, 10, 30, 12, 0, 0),
    version: '0.1.0',
    machine: {
      cpus: 2,
      cpuModel: 'Intel(R) Xeon(R) Processor',
      memoryBytes: 25_300_000_000,
      node: '20.20.2',
      os: 'Linux 6.18.44',
      drivers: { db: 'mysql', cache: 'redis', queue: 'redis' },
    },
    settings: {
      tenants: 500,
      connections: 200,
      rate: 500,
      url: `http://127.0.0.1/${HOSTILE}`,
      shapes: [{ files: 3 }],
      nginx: true,
    },
    rows: [
      {
        ...row,
        phase: 'growth',
        metric: 'requests_per_s',
        target: 500,
        atLeast: true,
        measured: 31_204.5,
        min: 29_870,
        max: 31_911,
        pass: true,
        verdict: 'pass',
      },
      {
        ...row,
        phase: 'growth',
        metric: 'users_p99_ms',
        target: 150,
        measured: 168.25,
        min: 161,
        max: 190.5,
        pass: false,
        verdict: 'fail',
      },
      {
        ...{ ...row, phase: 'scale', metric: 'crowd_p99_ms', target: 150, measured: 123.456, min: 113, max: 168 },
        ...{ pass: false, valid: false, why: `the load generator was saturated ${HOSTILE}`, verdict: 'invalid' },
      },
      {
        ...row,
        phase: 'scale',
        metric: 'peak_rss_bytes',
        target: 250_000_000,
        measured: 195_100_000,
        min: 181e6,
        max: 195.1e6,
        pass: true,
        verdict: 'pass',
      },
      { ...row, phase: 'growth', metric: 'cached_ratio', measured: 0.897, min: 0.89, max: 0.91 },
      { ...row, phase: 'growth', metric: 'cpu_api_s', measured: null, samples: 0 },
      {
        ...row,
        phase: null,
        metric: 'a_metric_with_a_name_that_is_longer_than_any_telephone_is_wide_per_s',
        measured: 12.5,
        min: 12,
        max: 13,
      },
    ],
    model: MODEL,
    charts: {
      latency: [distribution('1,000 users', 26, 240_000), distribution(`at 3,000 per second ${HOSTILE}`, 1.4, 90_000)],
      throughput: [
        {
          name: '1,000 users',
          everyMs: 500,
          perS: Array.from({ length: 20 }, (_, n) => 46_000 + 2_500 * Math.sin(n) - (n === 11 ? 30_000 : 0)),
        },
        { name: 'at 3,000 per second', everyMs: 1_000, perS: Array.from({ length: 10 }, (_, n) => 3_000 + (n % 3) - 1) },
      ],
      rates: [
        step(1_000, 3.2),
        step(4_000, 6.1),
        step(16_000, 480, { achieved: 14_100, why: 'p99 480 ms is more than 50 ms' }),
        step(8_000, 14.9),
        step(12_000, 61, { why: 'p99 61 ms is more than 50 ms' }),
        step(10_000, 31),
        step(11_000, null, { valid: false, pass: false, why: `the generator was late ${HOSTILE}` }),
      ],
    },
    baseline: {
      ...{
        path: `/srv/${HOSTILE}.json`,
        at: '2026-11-29T12:00:00.000Z',
        worseBy: 10,
        obstacles: [],
        notes: ['Node was 20.19.0, and is 20.20.2'],
      },
      rows: [
        {
          metric: 'requests_per_s',
          phase: 'growth',
          before: 30_900,
          after: 31_204.5,
          ratio: 1.01,
          verdict: 'same',
          why: null,
          promised: true,
        },
        {
          metric: 'users_p99_ms',
          phase: 'growth',
          before: 120,
          after: 168.25,
          ratio: 1.402,
          verdict: 'worse',
          why: null,
          promised: true,
        },
        {
          metric: 'crowd_p99_ms',
          phase: 'scale',
          before: 110,
          after: 123.456,
          ratio: 1.122,
          verdict: 'not comparable',
          why: 'not valid in the baseline',
          promised: false,
        },
      ],
    },
    ...changes,
  }
}
