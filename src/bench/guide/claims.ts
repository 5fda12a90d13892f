import type { Phase } from '../../watch/phases.js'

/** What the guide claims, in the order in which it is measured: what is short first. */
export const CLAIMS = {
  eager: { what: 'statements for posts with their feeds', phase: 'growth' },
  caching: { what: 'the cache', phase: 'growth' },
  users: { what: 'concurrent users', phase: null },
  requests: { what: 'requests per second', phase: null },
  events: { what: 'events per second', phase: 'growth' },
  tenants: { what: 'tenants', phase: null },
  sync: { what: 'the sync of tenants with slow publishers', phase: 'scale' },
  scaling: { what: 'throughput by API processes', phase: null },
} as const satisfies Readonly<Record<string, { readonly what: string; readonly phase: Phase | null }>>

export type ClaimName = keyof typeof CLAIMS

export const CLAIM_NAMES = Object.keys(CLAIMS) as readonly ClaimName[]

/** Those of the claims that concern one of the phases; null is of all. */
export function claimsFor(wanted: readonly ClaimName[], phases: readonly Phase[]): ClaimName[] {
  return CLAIM_NAMES.filter(name => {
    const { phase } = CLAIMS[name]
    return wanted.includes(name) && (phase === null || phases.includes(phase))
  })
}
