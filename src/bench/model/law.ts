import { levenbergMarquardt } from 'ml-levenberg-marquardt'

/** Of the Universal Scalability Law. */
export interface Coefficients {
  readonly lambda: number
  readonly sigma: number
  readonly kappa: number
}

/** One throughput of one number of processes. */
export interface Observation {
  readonly processes: number
  readonly perS: number
}

/** Bounds of sigma: at 1, more processes do no more than one does. */
const MOST_SIGMA = 1
/** Enough for the digits of a measurement: of noise, steps grow small long before. */
const LEAST_SQUARES = { damping: 0.01, maxIterations: 60, errorTolerance: 1e-14, improvementThreshold: 1e-9 }

/** X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1)) */
export function throughputOf({ lambda, sigma, kappa }: Coefficients, processes: number): number {
  return (lambda * processes) / lossOf({ sigma, kappa }, processes)
}

/** How many times more the same work takes of so many processes than if they did not mind each other. */
export function lossOf({ sigma, kappa }: Pick<Coefficients, 'sigma' | 'kappa'>, processes: number): number {
  return 1 + sigma * (processes - 1) + kappa * processes * (processes - 1)
}

/** The sum of the squares of what the curve is off by. */
export function squaresOf(coefficients: Coefficients, observed: readonly Observation[]): number {
  return observed.reduce((sum, { processes, perS }) => sum + (perS - throughputOf(coefficients, processes)) ** 2, 0)
}

/**
 * The coefficients of the least squares, sigma from 0 to 1 and kappa from 0 on; null where nothing was done at all. Where the best curve lies beyond a bound, the
 * best of those on a bound is taken: to cut a coefficient off and keep the others would be none of them.
 */
export function leastSquares(
  observed: readonly Observation[],
  start: Coefficients | null = startOf(observed),
): Coefficients | null {
  if (start === null) return null
  const free = isWithin(start) ? fitted(observed, start, {}) : null
  if (free !== null && isWithin(free)) return free
  const bounded = [{ kappa: 0 }, { sigma: 0 }, { sigma: MOST_SIGMA }, { sigma: 0, kappa: 0 }, { sigma: MOST_SIGMA, kappa: 0 }]
    .map(fixed => fitted(observed, within(start), fixed))
    .filter(one => one !== null && isWithin(one)) as Coefficients[]
  const [first, ...others] = bounded
  if (first === undefined) return null
  return others.reduce((best, one) => (squaresOf(one, observed) < squaresOf(best, observed) ? one : best), first)
}

/**
 * N/X = a + b (N - 1) + c N (N - 1) is linear in its coefficients, and its best curve is near the one that is looked for. Null where nothing was done at all.
 * @see Gunther, Guerrilla Capacity Planning, 2007, 5.4
 */
function startOf(observed: readonly Observation[]): Coefficients | null {
  const known = observed.filter(({ perS }) => perS > 0)
  const [a, b, c] = solved(known) ?? [0, 0, 0]
  if (a > 0) return { lambda: 1 / a, sigma: b / a, kappa: c / a }
  const one = known.reduce((most, { processes, perS }) => Math.max(most, perS / processes), 0)
  return one === 0 ? null : { lambda: one, sigma: 0.1, kappa: 0.01 }
}

/** The three coefficients of the least squares, each point weighed so that what it is off by counts as throughput; null where there is no one answer. */
function solved(observed: readonly Observation[]): [number, number, number] | null {
  const rows = observed.map(({ processes: n, perS }) => {
    const weight = perS ** 2 / n
    return { at: [1, n - 1, n * (n - 1)].map(one => one * weight), is: (n / perS) * weight }
  })
  const sum = (of: (row: (typeof rows)[number]) => number) => rows.reduce((total, row) => total + of(row), 0)
  const normal = [0, 1, 2].map(i => [0, 1, 2].map(j => sum(({ at }) => (at[i] as number) * (at[j] as number))))
  const right = [0, 1, 2].map(i => sum(({ at, is }) => (at[i] as number) * is))
  const whole = determinant(normal)
  if (!(Math.abs(whole) > 0)) return null
  const [a, b, c] = [0, 1, 2].map(j => determinant(normal.map((row, i) => row.with(j, right[i] as number))) / whole)
  return [a, b, c].every(Number.isFinite) ? [a as number, b as number, c as number] : null
}

function determinant(of: readonly (readonly number[])[]): number {
  const [a, b, c, d, e, f, g, h, i] = of.flat() as [number, number, number, number, number, number, number, number, number]
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
}

function within({ lambda, sigma, kappa }: Coefficients): Coefficients {
  return { lambda, sigma: Math.min(MOST_SIGMA, Math.max(0, sigma)), kappa: Math.max(0, kappa) }
}

function isWithin({ lambda, sigma, kappa }: Coefficients): boolean {
  return lambda > 0 && sigma >= 0 && sigma <= MOST_SIGMA && kappa >= 0
}

/** With some coefficients held where they are told; null where no curve is found. */
function fitted(observed: readonly Observation[], start: Coefficients, fixed: Partial<Coefficients>): Coefficients | null {
  const names = (['lambda', 'sigma', 'kappa'] as const).filter(name => fixed[name] === undefined)
  // Lambda in units of its start: all steps are then of numbers of one size.
  const told = (values: readonly number[]): Coefficients => {
    const free = Object.fromEntries(names.map((name, n) => [name, values[n] as number]))
    return { lambda: 1, sigma: 0, kappa: 0, ...free, ...fixed }
  }
  const data = { x: observed.map(point => point.processes), y: observed.map(({ perS }) => perS / start.lambda) }
  const curve = (values: readonly number[]) => {
    const coefficients = told(values)
    return (processes: number) => throughputOf(coefficients, processes)
  }
  const slopes = (values: readonly number[]) => {
    const { lambda, ...others } = told(values)
    return (n: number) => {
      const loss = lossOf(others, n)
      const perLoss = (-lambda * n) / loss ** 2
      const all = { lambda: n / loss, sigma: perLoss * (n - 1), kappa: perLoss * n * (n - 1) }
      return names.map(name => all[name])
    }
  }
  try {
    const initialValues = names.map(name => (name === 'lambda' ? 1 : start[name]))
    const { parameterValues } = levenbergMarquardt(data, curve, { ...LEAST_SQUARES, initialValues, jacobianFunction: slopes })
    if (!parameterValues.every(Number.isFinite)) return null
    const { lambda, sigma, kappa } = told(parameterValues)
    return { lambda: lambda * start.lambda, sigma, kappa }
  } catch {
    return null
  }
}
