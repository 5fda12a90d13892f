import type { Config } from '../kernel/config.js'
import type { Catalog } from '../tenants/catalog.js'
import { type Costs, costsOf } from './costs.js'
import { type Facts, readFacts } from './facts.js'
import { type Growth, givenGrowth } from './growth.js'
import { type Limits, limitsOf } from './limits.js'
import { type Measured, readMeasured } from './measured.js'
import { type Load, type Plan, planOf } from './plan.js'
import { type Processes, processesFor } from './processes.js'
import { readSetup, type Setup } from './setup.js'
import { type Step, stepsInto } from './steps.js'

/** What is asked instead of what is there; null for what is there. */
export interface WhatIf {
  readonly tenants: number | null
  readonly users: number | null
  readonly requestsPerS: number | null
  /** 0.1 is a tenth more each week. */
  readonly growth: number | null
}

export const AS_IT_IS: WhatIf = { tenants: null, users: null, requestsPerS: null, growth: null }

/** Everything a capacity plan is made from, and the plan. */
export interface Capacity {
  readonly asked: WhatIf
  readonly facts: Facts
  readonly measured: Measured
  readonly setup: Setup
  readonly limits: Limits
  readonly costs: Costs
  readonly load: Load
  readonly growth: Growth
  readonly plan: Plan
  /** What the present phase needs and is not there, in order. */
  readonly missing: readonly Step[]
  /** What leads into the next, in order, without what is `missing`; empty in the last. */
  readonly steps: readonly Step[]
  /** Null without a model, or where no rate is known. */
  readonly processes: Processes | null
}

export interface CapacityParts {
  /** Null where there is none yet. */
  readonly catalog: Catalog | null
  readonly config: Config
  /** Whether something keeps workers running; null where nobody can tell. */
  readonly hasWorkers: boolean | null
}

/** @throws {Failure} UNAVAILABLE when the catalog is away */
export async function lookAtCapacity(
  { catalog, config, hasWorkers }: CapacityParts,
  asked: WhatIf,
  now: number,
): Promise<Capacity> {
  const [facts, measured, setup] = await Promise.all([
    readFacts(catalog, now),
    readMeasured(config.data, config),
    readSetup(catalog, config, hasWorkers, now),
  ])
  return capacityOf({ facts, measured, setup, costs: costsOf(config.costs) }, asked, now)
}

/** The plan, of what is known. */
export function capacityOf(
  known: Pick<Capacity, 'facts' | 'measured' | 'setup' | 'costs'>,
  asked: WhatIf,
  now: number,
): Capacity {
  const { facts, measured, setup } = known
  const limits = limitsOf(measured.figures)
  const load = {
    tenants: asked.tenants ?? facts.tenants,
    concurrent_users: asked.users ?? facts.served?.connections ?? null,
    requests_per_s: asked.requestsPerS ?? facts.served?.peakPerS ?? null,
  }
  const growth = asked.growth === null ? facts.growth : givenGrowth(asked.growth)
  const plan = planOf(load, limits, growth, now)
  const missing = stepsInto(plan.phase, setup)
  const ahead = plan.next === null ? [] : stepsInto(plan.next, setup)
  const rate = load.requests_per_s
  return {
    ...known,
    asked,
    limits,
    load,
    growth,
    plan,
    missing,
    steps: ahead.filter(({ id }) => !missing.some(step => step.id === id)),
    processes: measured.model === null || rate === null || rate === 0 ? null : processesFor(rate, measured.model.is),
  }
}
