import { PHASES, type Phase } from '../watch/phases.js'

/** What the capacity table counts, as benchmarks name it. */
export const METRICS = ['tenants', 'concurrent_users', 'requests_per_s'] as const
export type Metric = (typeof METRICS)[number]

/** A figure that a benchmark of this machine found valid. */
export interface MeasuredFigure {
  readonly phase: Phase
  readonly metric: Metric
  readonly measured: number
  /** When, epoch ms. */
  readonly at: number
}

/** What a phase carries of one metric. */
export interface Limit {
  readonly value: number
  readonly guide: number
  /** Null where nothing valid was measured. */
  readonly measured: number | null
  readonly measuredAt: number | null
  /** Whose figure `value` is; `phase before` where less is said of this phase than of the one before it. */
  readonly from: 'guide' | 'measured' | 'phase before'
}

export type Limits = Readonly<Record<Phase, Readonly<Record<Metric, Limit>>>>

/** Phases of one server: what was measured on this one is what they carry. Those of several carry what one does, or more. */
const ONE_SERVER: readonly Phase[] = ['mvp', 'growth']

/**
 * What each phase carries. A measured figure replaces the guide's for a phase of one server, upwards and downwards; for a phase of several it only raises it.
 * No phase carries less than the one before.
 * @param figures one of each phase and metric at most
 */
export function limitsOf(figures: readonly MeasuredFigure[]): Limits {
  const before = new Map<Metric, number>()
  const phases = PHASES.map(({ name, carries }) => {
    const guide = { tenants: carries.tenants, concurrent_users: carries.users, requests_per_s: carries.requestsPerS }
    const limits = METRICS.map(metric => {
      const figure = figures.find(each => each.phase === name && each.metric === metric) ?? null
      const limit = limitOf(guide[metric], figure, ONE_SERVER.includes(name), before.get(metric) ?? 0)
      before.set(metric, limit.value)
      return [metric, limit]
    })
    return [name, Object.fromEntries(limits)]
  })
  return Object.fromEntries(phases) as Limits
}

function limitOf(guide: number, figure: MeasuredFigure | null, isOneServer: boolean, before: number): Limit {
  const known = { guide, measured: figure?.measured ?? null, measuredAt: figure?.at ?? null }
  const counts = figure !== null && (isOneServer || figure.measured > guide)
  const value = counts ? figure.measured : guide
  if (value < before) return { ...known, value: before, from: 'phase before' }
  return { ...known, value, from: counts ? 'measured' : 'guide' }
}
