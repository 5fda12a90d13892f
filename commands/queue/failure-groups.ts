import type { FailedJob } from '../../src/queues/index.js'

/** Failures of one kind. Times are epoch ms. */
export interface FailureGroup {
  readonly fingerprint: string
  readonly count: number
  /** Tenants that have it. */
  readonly tenants: number
  readonly firstAt: number
  readonly lastAt: number
  /** The newest reason. */
  readonly example: string
  /** How many of them are in quarantine. */
  readonly quarantined: number
}

/** Failures by kind, the most frequent first. The jobs come newest first. */
export async function groupFailures(jobs: AsyncIterable<FailedJob>): Promise<FailureGroup[]> {
  const groups = new Map<string, Omit<FailureGroup, 'tenants'> & { tenants: Set<number> }>()
  for await (const { fingerprint, failedAt, reason, tenantId, quarantined } of jobs) {
    const group = groups.get(fingerprint)
    const tenants = group?.tenants ?? new Set()
    if (tenantId !== null) tenants.add(tenantId)
    groups.set(fingerprint, {
      fingerprint,
      count: (group?.count ?? 0) + 1,
      tenants,
      firstAt: Math.min(group?.firstAt ?? failedAt, failedAt),
      lastAt: Math.max(group?.lastAt ?? failedAt, failedAt),
      example: group?.example ?? reason,
      quarantined: (group?.quarantined ?? 0) + (quarantined ? 1 : 0),
    })
  }
  return [...groups.values()]
    .map(group => ({ ...group, tenants: group.tenants.size }))
    .sort((a, b) => b.count - a.count || b.lastAt - a.lastAt)
}
