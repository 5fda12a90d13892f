import type { ColumnType } from 'kysely'
import type { Migration } from './apply.js'

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

/** Per-tenant sequences: ids stay small and are never remapped by a move. */
export interface CountersTable {
  tenant_id: number
  /** `media_posts`: the post that media intake looks at next. */
  name: 'feeds' | 'posts' | 'media' | 'media_posts'
  /** The next id to be given. */
  next: number
}

/** What has been applied to this database, and whose it is. */
export interface MigrationsTable {
  version: number
  catalog_id: string
  applied_at: number
}

export interface TenantSchema {
  feeds: FeedsTable
  posts: PostsTable
  tombstones: TombstonesTable
  counters: CountersTable
  media: MediaTable
  media_links: MediaLinksTable
  feedctl_migrations: MigrationsTable
}

/** Tables whose every row belongs to one tenant. */
export const TENANT_TABLES: ReadonlySet<string> = new Set(['feeds', 'posts', 'tombstones', 'counters', 'media', 'media_links'])

const SORT_AT = {
  sqlite: 'sort_at integer generated always as (min(coalesce(published_at, created_at), created_at)) virtual',
  mysql: 'sort_at bigint generated always as (least(coalesce(published_at, created_at), created_at)) stored',
}

const CHAR_22 = 'char(22) character set ascii collate ascii_bin'

/**
 * Every statement may run twice: MySQL commits each on its own, so that a killed migration is simply run again.
 * Version 1 makes its tables as they are now, so that a new database is not made and then changed: what later versions add to them is there already.
 */
export const TENANT_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sqlite: [
      `create table if not exists feeds (
        tenant_id integer not null, id integer not null, source_id integer not null, url text not null, title text,
        version text, stored_at integer, keep_days integer, keep_posts integer, alert text, created_at integer not null,
        primary key (tenant_id, id)) without rowid`,
      'create unique index if not exists feeds_source on feeds (tenant_id, source_id)',
      `create table if not exists posts (
        tenant_id integer not null, id integer not null, feed_id integer not null, guid text not null, guid_hash text not null,
        content_hash text not null, url text, title text not null, author text, published_at integer, updated_at integer,
        content text not null, categories text not null, image text, enclosures text not null, created_at integer not null,
        changed_at integer not null, ${SORT_AT.sqlite}, primary key (tenant_id, id))`,
      'create unique index if not exists posts_guid on posts (tenant_id, feed_id, guid_hash)',
      `create table if not exists counters (
        tenant_id integer not null, name text not null, next integer not null, primary key (tenant_id, name)) without rowid`,
    ],
    mysql: [
      `create table if not exists feeds (
        tenant_id bigint not null, id bigint not null, source_id bigint not null, url varchar(2048) not null, title text,
        version char(22) character set ascii collate ascii_bin, stored_at bigint, keep_days int, keep_posts int,
        alert text, created_at bigint not null,
        primary key (tenant_id, id), unique key feeds_source (tenant_id, source_id)) engine=innodb`,
      `create table if not exists posts (
        tenant_id bigint not null, id bigint not null, feed_id bigint not null, guid text not null,
        guid_hash char(22) character set ascii collate ascii_bin not null,
        content_hash char(22) character set ascii collate ascii_bin not null, url text, title text not null, author text,
        published_at bigint, updated_at bigint, content mediumtext not null, categories text not null,
        image text, enclosures mediumtext not null, created_at bigint not null, changed_at bigint not null, ${SORT_AT.mysql},
        primary key (tenant_id, id), unique key posts_guid (tenant_id, feed_id, guid_hash),
        key posts_order (tenant_id, sort_at, id, feed_id)) engine=innodb`,
      `create table if not exists counters (
        tenant_id bigint not null, name varchar(20) character set ascii collate ascii_bin not null, next bigint not null,
        primary key (tenant_id, name)) engine=innodb`,
    ],
  },
  {
    version: 2,
    sqlite: [
      'alter table feeds add column keep_days integer',
      'alter table feeds add column keep_posts integer',
      'alter table feeds add column alert text',
      'alter table posts add column image text',
      `alter table posts add column ${SORT_AT.sqlite}`,
      'create index if not exists posts_order on posts (tenant_id, sort_at, id, feed_id)',
      `create table if not exists tombstones (
        tenant_id integer not null, feed_id integer not null, guid_hash text not null, deleted_at integer not null,
        primary key (tenant_id, feed_id, guid_hash)) without rowid`,
    ],
    mysql: [
      'alter table feeds add column keep_days int, add column keep_posts int, add column alert text',
      `alter table posts add column image text, add column ${SORT_AT.mysql},
        add index posts_order (tenant_id, sort_at, id, feed_id)`,
      `create table if not exists tombstones (
        tenant_id bigint not null, feed_id bigint not null, guid_hash char(22) character set ascii collate ascii_bin not null,
        deleted_at bigint not null, primary key (tenant_id, feed_id, guid_hash)) engine=innodb`,
    ],
  },
  {
    version: 3,
    sqlite: [
      `create table if not exists media (
        tenant_id integer not null, id integer not null, name text not null, name_hash text not null, state text not null,
        state_at integer not null, bytes integer not null, sha256 text, md5 text, type text, identity text, upload_id text, parts text,
        etag text, attempts integer not null default 0, failure_code text, failure_message text, delete_after integer,
        unlinked_at integer, created_at integer not null, primary key (tenant_id, id)) without rowid`,
      'create unique index if not exists media_name on media (tenant_id, name_hash)',
      'create index if not exists media_state on media (tenant_id, state, id)',
      'create index if not exists media_unlinked on media (tenant_id, unlinked_at)',
      `create table if not exists media_links (
        tenant_id integer not null, post_id integer not null, url_hash text not null, url text not null, kind text not null,
        media_id integer, state text not null, attempts integer not null, next_at integer, failure_code text, failure_message text,
        created_at integer not null, primary key (tenant_id, post_id, url_hash)) without rowid`,
      'create index if not exists media_links_media on media_links (tenant_id, media_id)',
      'create index if not exists media_links_due on media_links (tenant_id, state, next_at)',
      'create index if not exists media_links_url on media_links (tenant_id, url_hash)',
    ],
    mysql: [
      `create table if not exists media (
        tenant_id bigint not null, id bigint not null, name varchar(1024) character set utf8mb4 collate utf8mb4_bin not null,
        name_hash ${CHAR_22} not null, state varchar(10) character set ascii collate ascii_bin not null, state_at bigint not null,
        bytes bigint not null, sha256 char(64) character set ascii collate ascii_bin,
        md5 char(32) character set ascii collate ascii_bin, type varchar(127), identity varchar(120), upload_id text, parts mediumtext,
        etag varchar(80), attempts int not null default 0, failure_code varchar(40), failure_message text, delete_after bigint,
        unlinked_at bigint, created_at bigint not null, primary key (tenant_id, id), unique key media_name (tenant_id, name_hash),
        key media_state (tenant_id, state, id), key media_unlinked (tenant_id, unlinked_at)) engine=innodb`,
      `create table if not exists media_links (
        tenant_id bigint not null, post_id bigint not null, url_hash ${CHAR_22} not null, url text not null,
        kind varchar(10) character set ascii collate ascii_bin not null, media_id bigint,
        state varchar(10) character set ascii collate ascii_bin not null, attempts int not null, next_at bigint,
        failure_code varchar(40), failure_message text, created_at bigint not null,
        primary key (tenant_id, post_id, url_hash), key media_links_media (tenant_id, media_id),
        key media_links_due (tenant_id, state, next_at), key media_links_url (tenant_id, url_hash)) engine=innodb`,
    ],
  },
]
