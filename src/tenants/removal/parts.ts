import type { TenantId } from '../ids.js'
import type { Tenant } from '../tenant.js'

/** What was removed of a tenant's media. */
export interface MediaRemoval {
  /** As its tables named them, also when an earlier attempt removed them; null when the tables could not be read any more. */
  readonly files: number | null
  readonly bytes: number | null
  /** Removed by all attempts, whether the tables named them or not. */
  readonly localFiles: number
  readonly bucketObjects: number
  /** Files that stay in the bucket, as was asked for; null when the tables could not be read any more. */
  readonly bucketForgotten: number | null
}

/** Removes the files of a tenant whose removal has begun, while its tables, if it has any, are still there. Done again, it goes on. */
export type RemoveMedia = (tenant: Tenant, terms: { readonly hasTables: boolean }) => Promise<MediaRemoval>

/**
 * What removals need of the rest of the house. Each is done again by who goes on with a removal that was killed, and is calm where nothing is left. What is away
 * is a Failure (UNAVAILABLE): then the removal stops there, and goes on later.
 */
export interface RemovalParts {
  readonly media: RemoveMedia
  /** Removes the jobs of these tenants from all queues, but for those that run; answers how many each had. Null where jobs wait nowhere. */
  readonly jobs: ((ids: readonly TenantId[]) => Promise<ReadonlyMap<TenantId, number>>) | null
  /** Removes what processes share about these tenants; answers how many keys each had. Null where nothing is shared. */
  readonly keys: ((ids: readonly TenantId[]) => Promise<ReadonlyMap<TenantId, number>>) | null
  /** Has the events counted that were accepted before, and wait; those of tenants whose removal has begun are dropped, and added to their receipts. */
  readonly events: () => Promise<void>
}
