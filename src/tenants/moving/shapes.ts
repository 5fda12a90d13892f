import type { Insertable } from 'kysely'
import type { TenantSchema } from '../databases/index.js'

/** A table whose rows go with their tenant; those of `residents` say where it is and stay. */
export type MovedTable = Exclude<keyof TenantSchema, 'residents' | 'feedctl_migrations'>

/** `key`: of the primary key behind `tenant_id`, in this order. */
type Part = 'key' | 'value' | 'bytes'

/** Every column that an insert may name, so that a column which is added to a table is missed here by the compiler. */
type Shape<Table extends MovedTable> = {
  readonly [Column in keyof Required<Omit<Insertable<TenantSchema[Table]>, 'tenant_id'>>]: Part
}

/** The tables in the order they are copied. */
export const SHAPES: { readonly [Table in MovedTable]: Shape<Table> } = {
  counters: { name: 'key', next: 'value' },
  feeds: {
    id: 'key',
    source_id: 'value',
    url: 'value',
    title: 'value',
    version: 'value',
    stored_at: 'value',
    keep_days: 'value',
    keep_posts: 'value',
    alert: 'value',
    created_at: 'value',
  },
  posts: {
    id: 'key',
    feed_id: 'value',
    guid: 'value',
    guid_hash: 'value',
    content_hash: 'value',
    url: 'value',
    title: 'value',
    author: 'value',
    published_at: 'value',
    updated_at: 'value',
    content: 'value',
    categories: 'value',
    image: 'value',
    enclosures: 'value',
    created_at: 'value',
    changed_at: 'value',
  },
  tombstones: { feed_id: 'key', guid_hash: 'key', deleted_at: 'value' },
  media: {
    id: 'key',
    name: 'value',
    name_hash: 'value',
    state: 'value',
    state_at: 'value',
    bytes: 'value',
    sha256: 'value',
    md5: 'value',
    type: 'value',
    identity: 'value',
    upload_id: 'value',
    parts: 'value',
    etag: 'value',
    attempts: 'value',
    failure_code: 'value',
    failure_message: 'value',
    delete_after: 'value',
    unlinked_at: 'value',
    created_at: 'value',
  },
  media_links: {
    post_id: 'key',
    url_hash: 'key',
    url: 'value',
    kind: 'value',
    media_id: 'value',
    state: 'value',
    attempts: 'value',
    next_at: 'value',
    failure_code: 'value',
    failure_message: 'value',
    created_at: 'value',
  },
  event_counts: { minute: 'key', post_id: 'key', kind: 'key', events: 'value' },
  event_days: { day: 'key', post_id: 'key', kind: 'key', events: 'value' },
  event_visitors: { day: 'key', post_id: 'key', kind: 'key', sketch: 'bytes' },
  event_batches: { batch_id: 'key', events: 'value', applied_at: 'value' },
  events: {
    day: 'key',
    id: 'key',
    at: 'value',
    kind: 'value',
    post_id: 'value',
    visitor: 'value',
    extra: 'value',
  },
}

export const MOVED_TABLES = Object.keys(SHAPES) as readonly MovedTable[]

/** Columns without `tenant_id`, the key's first. */
export function columnsOf(table: MovedTable): readonly string[] {
  return Object.keys(SHAPES[table])
}

export function keyOf(table: MovedTable): readonly string[] {
  return Object.entries(SHAPES[table]).flatMap(([column, part]) => (part === 'key' ? [column] : []))
}

export function isBytes(table: MovedTable, column: string): boolean {
  return (SHAPES[table] as Readonly<Record<string, Part>>)[column] === 'bytes'
}
