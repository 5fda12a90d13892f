const PHASES: readonly string[] = ['mvp', 'growth', 'scale', 'enterprise']
const MOST = 10_000_000

/** What a phase costs a month: a sum, what it is between, or what each of its parts costs. */
export type StatedCost = number | readonly [from: number, to: number] | Readonly<Record<string, number>>

export interface StatedCosts {
  /** ISO 4217; null where nothing is said. */
  readonly currency: string | null
  readonly phases: ReadonlyMap<string, StatedCost>
}

/** Costs by phase that the JSON is an object of; null when it is not. */
export function readCosts(json: string): StatedCosts | null {
  try {
    const read: unknown = JSON.parse(json)
    if (typeof read !== 'object' || read === null || Array.isArray(read)) return null
    const { currency = null, ...phases } = read as Record<string, unknown>
    if (currency !== null && !(typeof currency === 'string' && /^[A-Z]{3}$/.test(currency))) return null
    const entries = Object.entries(phases)
    if (!entries.every(([phase, cost]) => PHASES.includes(phase) && isCost(cost))) return null
    return { currency, phases: new Map(entries) as StatedCosts['phases'] }
  } catch {
    return null
  }
}

function isCost(cost: unknown): cost is StatedCost {
  if (isSum(cost)) return true
  if (Array.isArray(cost)) {
    const [from, to, ...more] = cost as unknown[]
    return isSum(from) && isSum(to) && from <= to && more.length === 0
  }
  return typeof cost === 'object' && cost !== null && Object.values(cost).length > 0 && Object.values(cost).every(isSum)
}

function isSum(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MOST
}
