import type { Clock } from '../../kernel/clock.js'
import type { MetricsJson, MetricValue } from '../metrics.js'

/** What was counted in all, by all processes of this serve. */
export interface Counters {
  readonly requests: number
  readonly errors: number
  /** Answers that nothing was asked for, and all others. */
  readonly kept: number
  readonly built: number
  readonly accepted: number
  readonly refused: number
  readonly behind: number
  /** Requests by how long they took at most, seconds, in ascending order; the last is all of them, under Infinity. */
  readonly buckets: readonly (readonly [seconds: number, requests: number])[]
}

/** What they did per second lately; null where there is nothing to tell it from yet. */
export interface Rates {
  readonly requestsPerS: number | null
  readonly errorsPerS: number | null
  /** Share of the answers that were kept, 0 to 1; null when there were none. */
  readonly hitRatio: number | null
  /** Of the requests that were not answered from what is kept, ms: 95 of 100 took no longer. Null when there were none, or they took longer than is measured. */
  readonly p95Ms: number | null
  readonly acceptedPerS: number | null
  readonly refusedPerS: number | null
}

/** Where nothing could be counted. */
export const NO_RATES: Rates = {
  requestsPerS: null,
  errorsPerS: null,
  hitRatio: null,
  p95Ms: null,
  acceptedPerS: null,
  refusedPerS: null,
}

const WINDOW_MS = 10_000
const LEAST_MS = 900

/** Rates of the last seconds in which somebody looked. */
export class RateMeter {
  private samples: { readonly at: number; readonly counters: Counters }[] = []

  constructor(
    private readonly count: () => Promise<Counters>,
    private readonly now: Clock,
  ) {}

  async read(): Promise<Rates> {
    const sample = { at: this.now(), counters: await this.count() }
    // What nobody looked at for long would be an average of minutes.
    this.samples = this.samples.filter(({ at }) => at <= sample.at && at >= sample.at - WINDOW_MS)
    this.samples.push(sample)
    const [first = sample] = this.samples
    return ratesBetween(first.counters, sample.counters, sample.at - first.at)
  }
}

export function ratesBetween(before: Counters, after: Counters, tookMs: number): Rates {
  const grown = (of: (counters: Counters) => number) => of(after) - of(before)
  const perS = (of: (counters: Counters) => number) => (tookMs < LEAST_MS ? null : (grown(of) * 1000) / tookMs)
  const [kept, built] = [grown(counters => counters.kept), grown(counters => counters.built)]
  return {
    requestsPerS: perS(counters => counters.requests),
    errorsPerS: perS(counters => counters.errors),
    hitRatio: kept + built === 0 ? null : kept / (kept + built),
    p95Ms: percentileMs(before.buckets, after.buckets, 0.95),
    acceptedPerS: perS(counters => counters.accepted),
    refusedPerS: perS(counters => counters.refused + counters.behind),
  }
}

function percentileMs(before: Counters['buckets'], after: Counters['buckets'], share: number): number | null {
  const earlier = new Map(before)
  const grown = after.map(([seconds, requests]) => [seconds, requests - (earlier.get(seconds) ?? 0)] as const)
  const all = grown.at(-1)?.[1] ?? 0
  const found = grown.find(([, requests]) => requests >= all * share)?.[0]
  return all === 0 || found === undefined || !Number.isFinite(found) ? null : found * 1000
}

/** Adds up what the metrics say. */
export function countersOf(counted: MetricsJson): Counters {
  const of = (name: string) => counted.find(metric => metric.name === name)?.values ?? []
  const [requests, answers, events] = ['requests', 'answers', 'events'].map(name => of(`feedctl_api_${name}_total`))
  const buckets = new Map<number, number>()
  for (const { labels, metricName, value } of of('feedctl_api_request_seconds')) {
    if (metricName !== 'feedctl_api_request_seconds_bucket') continue
    const { le } = labels
    const most = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
    buckets.set(most, (buckets.get(most) ?? 0) + value)
  }
  return {
    requests: sum(requests, () => true),
    errors: sum(requests, ({ status }) => String(status).startsWith('5')),
    kept: sum(answers, ({ from }) => from === 'near' || from === 'far'),
    built: sum(answers, ({ from }) => from === 'built' || from === 'stale'),
    accepted: sum(events, ({ outcome }) => outcome === 'accepted'),
    refused: sum(events, ({ outcome }) => outcome === 'refused'),
    behind: sum(events, ({ outcome }) => outcome === 'behind'),
    buckets: [...buckets].sort(([a], [b]) => a - b),
  }
}

function sum(values: readonly MetricValue[] = [], counts: (labels: MetricValue['labels']) => boolean): number {
  return values.filter(({ labels }) => counts(labels)).reduce((total, { value }) => total + value, 0)
}
