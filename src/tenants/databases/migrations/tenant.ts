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

/** Per-tenant sequences: ids stay small and are never remapped by a move. */
export interface CountersTable {
  tenant_id: number
  name: 'feeds' | 'posts'
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
  feedctl_migrations: MigrationsTable
}

/** Tables whose every row belongs to one tenant. */
export const TENANT_TABLES: ReadonlySet<string> = new Set(['feeds', 'posts', 'tombstones', 'counters'])

const SORT_AT = {
  sqlite: 'sort_at integer generated always as (min(coalesce(published_at, created_at), created_at)) virtual',
  mysql: 'sort_at bigint generated always as (least(coalesce(published_at, created_at), created_at)) stored',
}

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
]
