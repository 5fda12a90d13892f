import { readCosts, type StatedCost } from '../kernel/read-costs.js'
import type { Phase } from '../watch/phases.js'

/** What one part of a phase costs a month. */
export interface CostPart {
  readonly what: string
  readonly cost: number
}

/** What a phase costs a month, in the currency of `Costs`. */
export interface PhaseCost {
  readonly from: number
  /** Null where it is one sum. */
  readonly to: number | null
  /** Empty where no part has a price of its own. */
  readonly parts: readonly CostPart[]
  readonly source: 'guide' | 'FEEDCTL_COSTS'
}

export interface Costs {
  /** ISO 4217 */
  readonly currency: string
  readonly phases: Readonly<Record<Phase, PhaseCost>>
}

const SERVER = { what: 'server', cost: 15 }
const WASABI = { what: 'Wasabi', cost: 7 }

/** As the guide has them, EUR a month. Its sums are round: the parts that it prices come to 22 in Growth, and to 125 in Scale. */
const GUIDE: Costs = {
  currency: 'EUR',
  phases: {
    mvp: guide(15, null, [SERVER]),
    growth: guide(30, null, [SERVER, { what: 'Redis', cost: 0 }, WASABI, { what: 'queue workers', cost: 0 }]),
    scale: guide(150, null, [
      { what: '3 app servers', cost: 45 },
      { what: 'dedicated MySQL', cost: 40 },
      { what: 'dedicated Redis', cost: 20 },
      { what: 'monitoring', cost: 20 },
    ]),
    enterprise: guide(500, 2_000, []),
  },
}

/** @param stated FEEDCTL_COSTS; null where it is not set. Phases that it does not name cost what the guide says. */
export function costsOf(stated: string | null): Costs {
  const own = stated === null ? null : readCosts(stated)
  if (own === null) return GUIDE
  const phases = Object.entries(GUIDE.phases).map(([phase, cost]) => {
    const said = own.phases.get(phase)
    return [phase, said === undefined ? cost : asStated(said)]
  })
  return { currency: own.currency ?? GUIDE.currency, phases: Object.fromEntries(phases) as Costs['phases'] }
}

/** What the parts come to. */
export function sumOfParts({ parts }: PhaseCost): number {
  return Math.round(parts.reduce((sum, { cost }) => sum + cost, 0) * 100) / 100
}

function guide(from: number, to: number | null, parts: readonly CostPart[]): PhaseCost {
  return { from, to, parts, source: 'guide' }
}

function asStated(said: StatedCost): PhaseCost {
  const source = 'FEEDCTL_COSTS'
  if (typeof said === 'number') return { from: said, to: null, parts: [], source }
  if (isRange(said)) return { from: said[0], to: said[1], parts: [], source }
  const parts = Object.entries(said).map(([what, cost]) => ({ what, cost }))
  const cost = { from: 0, to: null, parts, source } as const
  return { ...cost, from: sumOfParts(cost) }
}

function isRange(said: StatedCost): said is readonly [number, number] {
  return Array.isArray(said)
}
