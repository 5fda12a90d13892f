import type { MediaState } from '../../tenants/databases/index.js'
import type { TenantTables } from '../../tenants/tables.js'
import type { TenantRows } from '../../tenants/tenant-rows.js'
import type { TenantWriter } from '../../tenants/tenant-writer.js'
import type { LocalBatch, LocalFile } from './local-files.js'
import { anew } from './rows.js'

/** Of the files of one batch. */
export interface Standing {
  /** Those that are not in the bucket yet, or not known to be. */
  readonly waiting: readonly LocalFile[]
  /** Those that are, and have not changed since. */
  readonly done: readonly LocalFile[]
}

interface Known {
  readonly id: number
  readonly name_hash: string
  readonly state: MediaState
  readonly identity: string | null
}

const DONE: ReadonlySet<MediaState> = new Set(['switched', 'grace'])
/** Values of one `in (...)`. */
const HASHES_PER_QUERY = 100

/** What the journal says of the files; nothing is written. */
export async function standingOf(tables: TenantTables, files: LocalBatch['files']): Promise<Standing> {
  const known = await knownOf(tables, files)
  const isDone = (file: LocalFile) => {
    const row = known.get(file.nameHash)
    return row !== undefined && DONE.has(row.state) && row.identity === file.identity
  }
  return { waiting: files.filter(file => !isDone(file)), done: files.filter(isDone) }
}

/** Writes what is new, and what has changed since it was hashed, into the journal as `seen`. A second time it writes nothing. */
export async function takeInventory(tables: TenantTables, files: LocalBatch['files'], now: number): Promise<Standing> {
  const before = await knownOf(tables, files)
  const isNews = (file: LocalFile) => {
    const row = before.get(file.nameHash)
    return row === undefined || hasChanged(row, file)
  }
  const news = files.filter(isNews)
  if (news.length > 0) await tables.transaction(tx => write(tx, news, now))
  const changed = new Set(news)
  const isDone = (file: LocalFile) => !changed.has(file) && DONE.has(before.get(file.nameHash)?.state ?? 'seen')
  return { waiting: files.filter(file => !isDone(file)), done: files.filter(isDone) }
}

async function write(tx: TenantWriter, files: LocalBatch['files'], now: number): Promise<void> {
  // Whoever takes ids waits: what is read now is true until the end.
  await tx.takeIds('media', 0)
  const known = await knownOf(tx, files)
  const fresh = files.filter(file => !known.has(file.nameHash))
  const first = fresh.length === 0 ? 0 : await tx.takeIds('media', fresh.length)
  const rows = fresh.map((file, index) => ({
    id: first + index,
    name: file.name as string,
    name_hash: file.nameHash,
    state: 'seen' as const,
    state_at: now,
    bytes: file.bytes,
    sha256: null,
    md5: null,
    type: null,
    identity: null,
    upload_id: null,
    parts: null,
    etag: null,
    attempts: 0,
    failure_code: null,
    failure_message: null,
    delete_after: null,
    created_at: now,
  }))
  await tx.insert('media', rows, 'keep')
  for (const file of files) {
    const row = known.get(file.nameHash)
    if (row === undefined || !hasChanged(row, file)) continue
    await tx
      .updateMedia()
      .set({ ...anew(now), bytes: file.bytes })
      .where('id', '=', row.id)
      .execute()
  }
}

/** A file that is only seen is hashed anyway. One whose local copy was to be gone was restored by a rollback that did not come to its end, or is another. */
function hasChanged(row: Known, file: LocalFile): boolean {
  return row.state !== 'seen' && (row.state === 'deleted' || row.identity !== file.identity)
}

async function knownOf(tables: TenantRows, files: LocalBatch['files']): Promise<Map<string, Known>> {
  const known = new Map<string, Known>()
  for (let start = 0; start < files.length; start += HASHES_PER_QUERY) {
    const hashes = files.slice(start, start + HASHES_PER_QUERY).map(file => file.nameHash)
    // Statements of one length are kept prepared.
    while (hashes.length < HASHES_PER_QUERY) hashes.push(hashes[0] as string)
    const rows = await tables.media().select(['id', 'name_hash', 'state', 'identity']).where('name_hash', 'in', hashes).execute()
    for (const row of rows) known.set(row.name_hash, row)
  }
  return known
}
