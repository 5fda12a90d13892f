import type { Selectable } from 'kysely'
import type { MediaState, MediaTable } from '../tenants/databases/index.js'
import type { TenantTables } from '../tenants/tables.js'
import type { MediaName } from './names.js'

const COLUMNS = [
  'id',
  'name',
  'name_hash',
  'state',
  'bytes',
  'sha256',
  'md5',
  'type',
  'identity',
  'etag',
  'delete_after',
] as const
/** Rows of one statement. */
export const ROWS_AT_ONCE = 500

/** States of files that the bucket has, as the journal says. */
const IN_BUCKET: ReadonlySet<MediaState> = new Set(['uploaded', 'verified', 'switched', 'grace', 'deleted'])
export const IN_BUCKET_STATES: readonly MediaState[] = [...IN_BUCKET]

/** What is known of a file and its object. */
export type BucketRow = Pick<Selectable<MediaTable>, (typeof COLUMNS)[number]> & { readonly name: MediaName }

export function isInBucket(row: Pick<BucketRow, 'state'>): boolean {
  return IN_BUCKET.has(row.state)
}

/** Whether the hash is that of the local file, or of the only copy: one that has changed since is `seen`, with the hash of what it was. */
export function isHashed<Row extends Pick<BucketRow, 'state' | 'sha256'>>(row: Row): row is Row & { readonly sha256: string } {
  return row.sha256 !== null && row.state !== 'seen'
}

/** Rows of any state with larger ids, in their order, at most `ROWS_AT_ONCE`; none after the last. Along the primary key, however many there are. */
export async function rowsAfter(tables: TenantTables, id: number): Promise<BucketRow[]> {
  return (await tables.media().select(COLUMNS).where('id', '>', id).orderBy('id').limit(ROWS_AT_ONCE).execute()) as BucketRow[]
}

/** As `rowsAfter`, in the order of `name_hash`: the same files are in the same order wherever they are. '' is before the first. */
export async function rowsAfterHash(tables: TenantTables, nameHash: string): Promise<BucketRow[]> {
  const rows = tables.media().select(COLUMNS).where('name_hash', '>', nameHash)
  return (await rows.orderBy('name_hash').limit(ROWS_AT_ONCE).execute()) as BucketRow[]
}

/** By the hash of their names. */
export async function rowsNamed(tables: TenantTables, nameHashes: readonly string[]): Promise<Map<string, BucketRow>> {
  if (nameHashes.length === 0) return new Map()
  const rows = await tables.media().select(COLUMNS).where('name_hash', 'in', nameHashes).execute()
  return new Map((rows as BucketRow[]).map(row => [row.name_hash, row]))
}
