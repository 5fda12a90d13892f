import type { ColumnType } from 'kysely'

/** A tenant's subscription to a source. */
export interface FeedsTable {
  tenant_id: number
  id: number
  source_id: number
  url: string
  title: string | null
  /** The source's version whose posts are stored; null before the first. Changes in the transaction that stores them. */
  version: string | null
  stored_at: number | null
  /** Age in days at which its posts are pruned, and how many of the newest stay; 0 keeps them, null is as the tenant has it. */
  keep_days: number | null
  keep_posts: number | null
  /** What an operator should know of it, `FeedAlert` as JSON; null when its newest stored document gave no reason. */
  alert: string | null
  created_at: number
}

/** Times are milliseconds since the epoch; hashes as in `DocumentPost`; lists are JSON. */
export interface PostsTable {
  tenant_id: number
  id: number
  feed_id: number
  guid: string
  guid_hash: string
  content_hash: string
  url: string | null
  title: string
  author: string | null
  published_at: number | null
  updated_at: number | null
  content: string
  categories: string
  /** Absolute http(s) URL, or null. */
  image: string | null
  enclosures: string
  created_at: number
  changed_at: number
  /** What orders posts: when it was published, or first seen where that is unknown or later. The database works it out. */
  sort_at: ColumnType<number, never, never>
}

/** A guid of a feed whose post was deleted, and is not to come back. */
export interface TombstonesTable {
  tenant_id: number
  feed_id: number
  /** Of the deleted post's guid, or `markOf` it. */
  guid_hash: string
  /** When the post was deleted, or a later stored document was seen to list it still. */
  deleted_at: number
}

/**
 * How far a file is. With a local copy, in this order on its way to the bucket: `seen` by the inventory, `hashed` (also: just stored), `uploading`,
 * `uploaded`, `verified` (the bucket's copy was looked at), `switched` (the bucket is where it is kept), `grace` (the local copy goes at
 * `delete_after`). `deleted`: the local copy is gone, or there never was one.
 */
export type MediaState = 'seen' | 'hashed' | 'uploading' | 'uploaded' | 'verified' | 'switched' | 'grace' | 'deleted'

/** A media file of a tenant, and the journal of its way to the bucket. */
export interface MediaTable {
  tenant_id: number
  id: number
  /** Below the tenant's folder or key prefix: `contentName` of what sync stored, or the path of a file that was there. */
  name: string
  /** `hashName` of it. */
  name_hash: string
  state: MediaState
  /** When it came to this state. */
  state_at: number
  bytes: number
  /** Of the content, hex; null while it is only seen. */
  sha256: string | null
  md5: string | null
  /** MIME type, as sniffed; null while it is only seen. */
  type: string | null
  /** `identityOf` the local file when it was hashed: differs when the file was changed. Null without a local copy. */
  identity: string | null
  /** Of a multipart upload that is under way, and its finished parts, `UploadedPart[]` as JSON; null when there is none. */
  upload_id: string | null
  parts: string | null
  /** As the bucket gave it, without quotes; null before it is uploaded. */
  etag: string | null
  /** Attempts in a row that failed, and why the last did; 0 and null after one that went well. */
  attempts: number
  failure_code: string | null
  failure_message: string | null
  /** When the local copy may go; null unless it is in its grace. */
  delete_after: number | null
  /** When the last post that named it went: the file goes with it. Null for what a post names, and for what no post ever named. */
  unlinked_at: number | null
  created_at: number
}

/** A picture or enclosure that a post names, and what became of it. */
export interface MediaLinksTable {
  tenant_id: number
  post_id: number
  /** 22 base64url characters of SHA-256 over `url`. */
  url_hash: string
  url: string
  kind: 'image' | 'enclosure'
  /** Null unless it is stored. */
  media_id: number | null
  /** `waiting`: not tried yet; `refused`: not what the tenant's policy wants; `failed`: tried again at `next_at`, or never when that is null. */
  state: 'waiting' | 'stored' | 'refused' | 'failed'
  attempts: number
  next_at: number | null
  failure_code: string | null
  failure_message: string | null
  created_at: number
}

/** Events of one kind of one post in one minute (UTC). `post_id` 0: of no post. */
export interface EventCountsTable {
  tenant_id: number
  /** Whole minutes since the epoch. */
  minute: number
  post_id: number
  kind: string
  events: number
}

/** The same per day (UTC), for good. */
export interface EventDaysTable {
  tenant_id: number
  /** Whole days since the epoch. */
  day: number
  post_id: number
  kind: string
  events: number
}

/** The visitors of a post by kind and day, as a HyperLogLog sketch. */
export interface EventVisitorsTable {
  tenant_id: number
  day: number
  post_id: number
  kind: string
  sketch: Uint8Array
}

/** Batches that were counted: the row is written in the transaction that counts them, so that none counts twice. */
export interface EventBatchesTable {
  tenant_id: number
  batch_id: string
  events: number
  applied_at: number
}

/** A single event, kept for the days that FEEDCTL_ANALYTICS_RAW_DAYS says. */
export interface EventsTable {
  tenant_id: number
  day: number
  id: number
  at: number
  kind: string
  post_id: number
  /** Hash of the visitor, 16 hex digits; null where the event named none. */
  visitor: string | null
  /** What else the event said, JSON; null for nothing. */
  extra: string | null
}

/** Per-tenant sequences: ids stay small and are never remapped by a move. */
export interface CountersTable {
  tenant_id: number
  /** `media_posts`: the post that media intake looks at next. */
  name: 'feeds' | 'posts' | 'media' | 'media_posts' | 'events'
  /** The next id to be given. */
  next: number
}

/** What has been applied to this database, and whose it is. */
export interface MigrationsTable {
  version: number
  catalog_id: string
  applied_at: number
}

/** A tenant whose rows live in this database: every transaction that writes them holds its row. One without it is not here (any more). */
export interface ResidentsTable {
  tenant_id: number
  /** The move that holds its writers off, -1 for a dump before its removal; null when nobody does. */
  fenced_by: number | null
}

export interface TenantSchema {
  feeds: FeedsTable
  posts: PostsTable
  tombstones: TombstonesTable
  counters: CountersTable
  media: MediaTable
  media_links: MediaLinksTable
  event_counts: EventCountsTable
  event_days: EventDaysTable
  event_visitors: EventVisitorsTable
  event_batches: EventBatchesTable
  events: EventsTable
  residents: ResidentsTable
  feedctl_migrations: MigrationsTable
}

/** Tables whose every row belongs to one tenant. */
export const TENANT_TABLES: ReadonlySet<string> = new Set([
  'feeds',
  'posts',
  'tombstones',
  'counters',
  'media',
  'media_links',
  'event_counts',
  'event_days',
  'event_visitors',
  'event_batches',
  'events',
  'residents',
])
