import type { MediaState } from '../../tenants/databases/index.js'
import type { TenantTables } from '../../tenants/tables.js'
import { contentName, hashName, type MediaName, parseMediaName } from '../names.js'

/** A media file as those who read it see it. */
export interface MediaFile {
  readonly id: number
  readonly name: MediaName
  readonly state: MediaState
  readonly bytes: number
  /** Hex; null, like the type, while the file is only seen. */
  readonly sha256: string | null
  readonly type: string | null
}

export interface MediaPage {
  readonly files: readonly MediaFile[]
  /** Pass it as `after` for the next page; null on the last. */
  readonly next: number | null
}

/** One page in the order of ids, from the one after `after`. */
export async function mediaPage(tables: TenantTables, after: number, limit: number): Promise<MediaPage> {
  const rows = await mediaRows(tables)
    .where('media.id', '>', after)
    .orderBy('media.id')
    .limit(limit + 1)
    .execute()
  const files = rows.slice(0, limit).map(fileOf)
  return { files, next: rows.length > limit ? (files.at(-1)?.id ?? null) : null }
}

/** Null when the tenant has no such file. */
export async function mediaById(tables: TenantTables, id: number): Promise<MediaFile | null> {
  const row = await mediaRows(tables).where('media.id', '=', id).executeTakeFirst()
  return row === undefined ? null : fileOf(row)
}

/** Null when the tenant has no file of that very name. */
export async function mediaByName(tables: TenantTables, name: MediaName): Promise<MediaFile | null> {
  const row = await mediaRows(tables).where('media.name_hash', '=', hashName(name)).executeTakeFirst()
  return row === undefined || row.name !== name ? null : fileOf(row)
}

/** Whether the name says what the content is: under it there are never other bytes. */
export function isContentNamed({ name, sha256 }: Pick<MediaFile, 'name' | 'sha256'>): boolean {
  return sha256 !== null && name.startsWith(contentName(sha256, ''))
}

function mediaRows(tables: TenantTables) {
  return tables.media().select(['media.id', 'media.name', 'media.state', 'media.bytes', 'media.sha256', 'media.type'])
}

function fileOf(row: Omit<MediaFile, 'name'> & { readonly name: string }): MediaFile {
  return { ...row, name: parseMediaName(row.name) }
}
