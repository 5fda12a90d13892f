import type { ClaimName } from './claims.js'
import { MOST_DEDICATED } from './fleet-plan.js'
import { carriedBy, EVENTS, type GuideLoad, SLOW } from './load.js'

/** Of a machine of two cores that runs the databases too: databases that are made and dropped, and tenants in shared tables that are made and asked, a second. */
const PACE = { databases: 20, shared: 1_500 }
/** Starting processes, making a few tenants, removing them. */
const AROUND_S = 8
const HOLDING_S = 40
const SEARCHING_S = 90
const SCALING_S = 90

/** About how long all rounds take, seconds. */
export function estimateS(load: GuideLoad): number {
  const once = load.claims.filter(claim => claim === 'scaling').map(claim => claimS(load, claim))
  const each = load.claims.filter(claim => claim !== 'scaling').map(claim => claimS(load, claim))
  const sum = (seconds: readonly number[]) => seconds.reduce((total, one) => total + one, 0)
  return Math.round(sum(once) + load.repeat * sum(each))
}

/** About how long one round of a claim takes, seconds. */
export function claimS(load: GuideLoad, claim: ClaimName): number {
  const { duration, phases } = load
  const sizes = phases.map(carriedBy)
  switch (claim) {
    case 'eager':
      return AROUND_S
    case 'caching':
      return AROUND_S + load.tenants / PACE.databases + load.requests / 800
    case 'users':
      return AROUND_S + phases.reduce((sum, phase) => sum + (phase === 'enterprise' ? HOLDING_S : duration), 0)
    case 'requests':
      return AROUND_S + SEARCHING_S
    case 'events':
      return 2 * AROUND_S + duration * (1 + EVENTS.longer)
    case 'tenants': {
      const most = Math.max(...sizes.map(({ tenants }) => tenants))
      return AROUND_S + Math.min(most, MOST_DEDICATED) / PACE.databases + Math.max(0, most - MOST_DEDICATED) / PACE.shared
    }
    case 'sync': {
      const byTurns = (Math.min(SLOW.sample, load.syncTenants) * (SLOW.feeds + 2) * SLOW.latencyMs) / 1000
      return 3 * AROUND_S + byTurns + load.syncTenants / PACE.databases + load.syncTenants / SLOW.workers
    }
    case 'scaling':
      return SCALING_S
  }
}
