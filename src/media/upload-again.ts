import type { Failure } from '../kernel/errors.js'
import type { MediaState } from '../tenants/databases/index.js'
import type { TenantTables } from '../tenants/tables.js'
import type { BucketRow } from './bucket-rows.js'

/** In these the journal trusts the bucket, and the local copy is still there. */
const TWO_COPIES: readonly MediaState[] = ['verified', 'switched', 'grace']

/**
 * Where the bucket has lost an object, or has another one under its name, the local copy is to be uploaded again: the next migration does it. A row that
 * another has moved meanwhile, and one whose only copy was the bucket's, stays as it is.
 */
export async function uploadAgain(
  tables: TenantTables,
  { id, etag }: Pick<BucketRow, 'id' | 'etag'>,
  failure: Pick<Failure, 'code' | 'message'>,
  now: number,
  states = TWO_COPIES,
): Promise<boolean> {
  const anew = { state: 'hashed', state_at: now, etag: null, upload_id: null, parts: null, delete_after: null } as const
  const { numUpdatedRows } = await tables.transaction(tx =>
    tx
      .updateMedia()
      .set({ ...anew, failure_code: failure.code, failure_message: failure.message })
      .where('id', '=', id)
      .where('state', 'in', states)
      .where('etag', etag === null ? 'is' : '=', etag)
      .executeTakeFirst(),
  )
  return numUpdatedRows > 0n
}
