import { PHASES, type Phase } from '../watch/phases.js'
import { type Growth, weeksUntilFull } from './growth.js'
import { type Limits, METRICS, type Metric } from './limits.js'

const WEEK_MS = 604_800_000

/** What the installation has to carry; null where nothing is known of it. */
export type Load = Readonly<Record<Metric, number | null>>

/** How much of one limit of the phase is used. */
export interface Use {
  readonly metric: Metric
  /** Null where nothing is known. */
  readonly used: number | null
  readonly of: number
  /** 0 where nothing is known; above 1 where it is exceeded. */
  readonly share: number
}

export interface Plan {
  readonly phase: Phase
  /** The tightest first. */
  readonly uses: readonly Use[]
  readonly limit: Metric
  readonly usedPercent: number
  /** More than the last phase carries. */
  readonly isBeyond: boolean
  readonly full: {
    /** From now; null where it is never, or nobody can say. */
    readonly weeks: number | null
    /** Epoch ms; null like `weeks`. */
    readonly at: number | null
    /** Why it is null. */
    readonly why: string | null
  }
  /** Null in the last. */
  readonly next: Phase | null
}

/** The first phase that carries the load, how far it is used, and until when. All three grow together: users and requests come with tenants. */
export function planOf(load: Load, limits: Limits, growth: Growth, now: number): Plan {
  const place = PHASES.findIndex(({ name }) => usesOf(load, limits, name).every(({ share }) => share <= 1))
  const isBeyond = place === -1
  const index = isBeyond ? PHASES.length - 1 : place
  const { name: phase } = PHASES[index] ?? PHASES[0]
  const uses = usesOf(load, limits, phase).toSorted((one, other) => other.share - one.share)
  const [tightest] = uses
  const share = tightest?.share ?? 0
  const { weeks, why } = weeksUntilFull(share, growth)
  return {
    phase,
    uses,
    limit: tightest?.metric ?? 'tenants',
    usedPercent: percentOf(share),
    isBeyond,
    full: { weeks, at: weeks === null ? null : now + weeks * WEEK_MS, why },
    next: PHASES[index + 1]?.name ?? null,
  }
}

/** Whole percent; what is exceeded is never 100, what is not exceeded never more. */
function percentOf(share: number): number {
  return share > 1 ? Math.max(101, Math.round(share * 100)) : Math.round(share * 100)
}

function usesOf(load: Load, limits: Limits, phase: Phase): Use[] {
  return METRICS.map(metric => {
    const [used, of] = [load[metric], limits[phase][metric].value]
    return { metric, used, of, share: shareOf(used ?? 0, of) }
  })
}

function shareOf(used: number, of: number): number {
  if (of > 0) return used / of
  return used > 0 ? Number.POSITIVE_INFINITY : 0
}
