import type { TenantId } from '../tenants/ids.js'

/** Events of one tenant that were accepted together. */
export interface EventBatch {
  readonly tenantId: TenantId
  /** Unique within the tenant, 1 to 64 of `A-Z a-z 0-9 . _ : -`: of several batches with the same id one counts. */
  readonly id: string
  /** Epoch ms. */
  readonly acceptedAt: number
  readonly events: EventColumns
}

/** The events of a batch column by column, each of `length`: what counts them makes no object for each. */
export interface EventColumns {
  readonly length: number
  /** The kinds that occur, each once: `view`, `click`; 1 to 32 of `a-z 0-9 _ . -`, a letter first. */
  readonly kinds: readonly string[]
  /** Place of its kind in `kinds`. */
  readonly kind: Uint16Array
  /** Id of the post; 0 for an event of no post. */
  readonly post: Float64Array
  /** When it happened, epoch ms. */
  readonly at: Float64Array
  /** Hash of the visitor, seeded with the tenant's id, in two words; both 0 where the event named none. */
  readonly visitorHigh: Uint32Array
  readonly visitorLow: Uint32Array
  /** What else each event said, as JSON, null for nothing; null when none of them said more, or nobody keeps it. */
  readonly extras: readonly (string | null)[] | null
}

export function tenantsOf(batches: readonly EventBatch[]): Set<TenantId> {
  return new Set(batches.map(({ tenantId }) => tenantId))
}
