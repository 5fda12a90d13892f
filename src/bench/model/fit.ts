import { mix, Random } from '../feed-server/random.js'
import { median } from '../sync/rows.js'
import { type Coefficients, leastSquares, lossOf, type Observation, squaresOf, throughputOf } from './law.js'
import type { Interval, ScalabilityModel, ScalabilityPoint } from './model.js'

/** Of distinct numbers of processes. Three coefficients go through any three points. */
export const LEAST_POINTS = 6
/** How many times the most processes measured anything is said of. */
const REACH = 3
const DRAWS = 500
const SEED = 20_260
/** Of the bootstrap, 0 to 1. */
const [LOW, HIGH] = [0.05, 0.95]
/** Less than this part of the work lost may as well be nothing. */
const NOTHING = 0.02
/** Part of the draws that have to name the same bottleneck, and that may have no knee. */
const AGREEING = 0.9
const MOST_ENDLESS = 0.05
/** Of a square, what is left of numbers that are the same. */
const ROUNDING = 1e-20

/**
 * Fits the law to the median of each number of processes. The bounds are of a bootstrap of residuals: each repeat is drawn anew from how far all repeats lie from the
 * curve, in parts of it. The same points give the same model. Null for fewer than six distinct numbers of processes, and where nothing was done.
 */
export function fitScalability(points: readonly ScalabilityPoint[]): ScalabilityModel | null {
  const merged = mergedPoints(points)
  if (merged.length < LEAST_POINTS) return null
  const observed = merged.map(({ processes, perS }) => ({ processes, perS: median(perS) as number }))
  const best = leastSquares(observed)
  if (best === null) return null
  const largest = Math.max(...merged.map(({ processes }) => processes))
  const draws = bootstrap(merged, best)
  const knee = kneeOf(best, draws, largest * REACH)
  return {
    ...best,
    intervals: {
      lambda: intervalOf(draws.map(({ lambda }) => lambda)),
      sigma: intervalOf(draws.map(({ sigma }) => sigma)),
      kappa: intervalOf(draws.map(({ kappa }) => kappa)),
    },
    rSquared: rSquaredOf(best, observed),
    points: merged,
    ...knee,
    mostProcesses: largest * REACH,
    bottleneck: bottleneckOf(draws, largest),
  }
}

/** Per second; null beyond what the model may be asked. */
export function throughputAt(model: ScalabilityModel, processes: number): number | null {
  return processes >= 1 && processes <= model.mostProcesses ? throughputOf(model, processes) : null
}

/** One for each number of processes, in order; repeats that are no throughput are left out. */
function mergedPoints(points: readonly ScalabilityPoint[]): ScalabilityPoint[] {
  const repeats = new Map<number, number[]>()
  for (const { processes, perS } of points) {
    const known = perS.filter(value => Number.isFinite(value) && value >= 0)
    if (processes >= 1 && known.length > 0) repeats.set(processes, [...(repeats.get(processes) ?? []), ...known])
  }
  return [...repeats].sort(([a], [b]) => a - b).map(([processes, perS]) => ({ processes, perS }))
}

function bootstrap(points: readonly ScalabilityPoint[], best: Coefficients): Coefficients[] {
  const random = new Random(mix(SEED, points.length))
  const curve = points.map(({ processes }) => throughputOf(best, processes))
  const residuals = points.flatMap(({ perS }, n) => perS.map(value => value / (curve[n] as number) - 1))
  const mean = residuals.reduce((sum, one) => sum + one, 0) / residuals.length
  // What three coefficients have bent towards the points is missing in the residuals.
  const swell = Math.sqrt(residuals.length / Math.max(1, residuals.length - 3))
  const drawn = () => (random.pick(residuals) - mean) * swell
  const draws: Coefficients[] = []
  for (let draw = 0; draw < DRAWS; draw++) {
    const observed = points.map(({ processes, perS }, n): Observation => {
      const repeats = perS.map(() => (curve[n] as number) * Math.max(0, 1 + drawn()))
      return { processes, perS: median(repeats) as number }
    })
    const one = leastSquares(observed, best)
    if (one !== null) draws.push(one)
  }
  return draws.length === 0 ? [best] : draws
}

function intervalOf(values: readonly number[]): Interval {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.round((sorted.length - 1) * part)] as number
  return [at(LOW), at(HIGH)]
}

/** How much of the spread the curve explains; 1 where there is none and the curve goes through all points. */
function rSquaredOf(best: Coefficients, observed: readonly Observation[]): number {
  const mean = observed.reduce((sum, { perS }) => sum + perS, 0) / observed.length
  const spread = observed.reduce((sum, { perS }) => sum + (perS - mean) ** 2, 0)
  const off = squaresOf(best, observed)
  const isExact = off <= ROUNDING * observed.length * mean ** 2
  return isExact ? 1 : spread > 0 ? 1 - off / spread : 0
}

/** What most draws name; none where too few agree. */
function bottleneckOf(draws: readonly Coefficients[], largest: number): ScalabilityModel['bottleneck'] {
  const named = draws.map(one => {
    if (1 - 1 / lossOf(one, largest) <= NOTHING) return 'none'
    return one.sigma >= one.kappa * largest ? 'contention' : 'coherency'
  })
  const agreeing = (name: string) => named.filter(one => one === name).length >= named.length * AGREEING
  return (['contention', 'coherency'] as const).find(agreeing) ?? 'none'
}

/** Nulls where there is none up to so many processes, or where it may be that there is none at all. */
function kneeOf(
  best: Coefficients,
  draws: readonly Coefficients[],
  most: number,
): Pick<ScalabilityModel, 'knee' | 'kneeInterval'> {
  const [knee, knees] = [kneeAt(best), draws.map(kneeAt)]
  const endless = knees.filter(one => one === Number.POSITIVE_INFINITY).length
  if (knee > most || endless > knees.length * MOST_ENDLESS) return { knee: null, kneeInterval: null }
  const [low, high] = intervalOf(knees)
  return { knee, kneeInterval: [Math.min(low, most), Math.min(high, most)] }
}

function kneeAt({ sigma, kappa }: Coefficients): number {
  return kappa === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.sqrt((1 - sigma) / kappa))
}
