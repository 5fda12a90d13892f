import type { Selectable } from 'kysely'
import type { MediaState, MediaTable } from '../../tenants/databases/index.js'
import type { TenantTables } from '../../tenants/tables.js'
import type { Upload, UploadedPart } from '../disks/driver.js'
import type { MediaName } from '../names.js'

const COLUMNS = [
  'id',
  'name',
  'state',
  'bytes',
  'sha256',
  'md5',
  'type',
  'identity',
  'upload_id',
  'parts',
  'etag',
  'attempts',
] as const

/** What the migration knows of a file. */
export type MediaRow = Pick<Selectable<MediaTable>, (typeof COLUMNS)[number]> & { readonly name: MediaName }

/** Rows of the state with larger ids, in their order: at most `limit`. `failed` false: only those whose last attempt did not fail. */
export async function rowsOf(
  tables: TenantTables,
  state: MediaState,
  after: number,
  limit: number,
  failed = true,
): Promise<MediaRow[]> {
  const page = tables.media().select(COLUMNS).where('state', '=', state).where('id', '>', after).orderBy('id').limit(limit)
  const rows = await (failed ? page : page.where('failure_code', 'is', null)).execute()
  // Nothing else is ever written to the column.
  return rows as MediaRow[]
}

/** How many rows of the tenant are in these states; all of them when none is named. */
export async function countRows(tables: TenantTables, states: readonly MediaState[] = []): Promise<number> {
  const rows = tables.media().select(eb => eb.fn.countAll<number>().as('rows'))
  const row = await (states.length === 0 ? rows : rows.where('state', 'in', states)).executeTakeFirstOrThrow()
  return Number(row.rows)
}

/** The multipart upload that the row tells of. */
export function uploadOf(row: MediaRow): Upload | null {
  if (row.upload_id === null) return null
  return { id: row.upload_id, parts: row.parts === null ? [] : (JSON.parse(row.parts) as UploadedPart[]) }
}

/** Where a row begins anew: what is known of the bucket's copy stays, so that the same content is not uploaded twice. */
export function anew(now: number) {
  return {
    state: 'seen' as const,
    state_at: now,
    identity: null,
    upload_id: null,
    parts: null,
    delete_after: null,
    attempts: 0,
    failure_code: null,
    failure_message: null,
  }
}
