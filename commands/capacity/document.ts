import { assumptionsOf } from '../../src/capacity/assumptions.js'
import type { Capacity } from '../../src/capacity/capacity.js'
import type { PhaseCost } from '../../src/capacity/costs.js'
import type { Limit } from '../../src/capacity/limits.js'
import type { Step } from '../../src/capacity/steps.js'
import { PHASES } from '../../src/watch/phases.js'

/** A plan as scripts get it. What nobody knows is null. */
export function documentOf(capacity: Capacity, explain: boolean) {
  const { plan, costs, facts, growth, load, measured, processes } = capacity
  const { served } = facts
  return {
    phase: plan.phase,
    used_percent: plan.usedPercent,
    limit: plan.limit,
    beyond: plan.isBeyond,
    ...costOf(costs.phases[plan.phase]),
    currency: costs.currency,
    load,
    uses: plan.uses.map(({ metric, used, of, share }) => ({ metric, used, of, percent: Math.round(share * 100) })),
    growth: {
      percent_per_week: growth.perWeek === null ? null : Math.round(growth.perWeek * 10_000) / 100,
      source: growth.source,
      why: growth.why,
    },
    full: { weeks: rounded(plan.full.weeks), at: iso(plan.full.at), why: plan.full.why },
    missing: stepsOf(capacity.missing),
    next:
      plan.next === null
        ? null
        : {
            phase: plan.next,
            at: iso(plan.full.at),
            ...costOf(costs.phases[plan.next]),
            ...stepsOf(capacity.steps),
          },
    tenants: facts.states,
    served: served === null ? null : { peak_per_s: served.peakPerS, connections: served.connections, requests: served.requests },
    processes:
      processes === null
        ? null
        : {
            requests_per_s: processes.perS,
            needed: processes.needed,
            why: processes.why,
            bottleneck: processes.bottleneck,
            advice: processes.words,
          },
    bench_at: iso(measured.newestAt),
    table: tableOf(capacity),
    ...(explain ? { assumptions: assumptionsOf(capacity) } : {}),
  }
}

function tableOf({ limits, costs, plan }: Capacity) {
  return PHASES.map(({ name }) => {
    const { tenants, concurrent_users: users, requests_per_s: rate } = limits[name]
    return {
      phase: name,
      current: name === plan.phase,
      tenants: limitOf(tenants),
      concurrent_users: limitOf(users),
      requests_per_s: limitOf(rate),
      ...costOf(costs.phases[name]),
    }
  })
}

function limitOf({ guide, measured, value, from, measuredAt }: Limit) {
  return { guide, measured, measured_at: iso(measuredAt), carries: value, from: from.replace(' ', '_') }
}

/** `monthly_cost` is what it costs at least. */
function costOf({ from, to }: PhaseCost) {
  return { monthly_cost: from, monthly_cost_max: to }
}

function stepsOf(steps: readonly Step[]) {
  return {
    actions: steps.map(({ command }) => command),
    steps: steps.map(({ id, command, why, isByHand }) => ({ id, command, why, by_hand: isByHand })),
  }
}

function rounded(weeks: number | null): number | null {
  return weeks === null ? null : Math.round(weeks * 10) / 10
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
