import type { Migration } from './apply.js'

const SORT_AT = {
  sqlite: 'sort_at integer generated always as (min(coalesce(published_at, created_at), created_at)) virtual',
  mysql: 'sort_at bigint generated always as (least(coalesce(published_at, created_at), created_at)) stored',
}

const CHAR_22 = 'char(22) character set ascii collate ascii_bin'

const KIND = 'varchar(32) character set ascii collate ascii_bin'

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
        key posts_order (tenant_id, sort_at, id, feed_id), key posts_feed (tenant_id, feed_id, sort_at, id)) engine=innodb`,
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
  {
    version: 4,
    sqlite: [
      'create index if not exists posts_feed on posts (tenant_id, feed_id, sort_at, id)',
      `create table if not exists event_counts (
        tenant_id integer not null, minute integer not null, post_id integer not null, kind text not null, events integer not null,
        primary key (tenant_id, minute, post_id, kind)) without rowid`,
      `create table if not exists event_days (
        tenant_id integer not null, day integer not null, post_id integer not null, kind text not null, events integer not null,
        primary key (tenant_id, day, post_id, kind)) without rowid`,
      `create table if not exists event_visitors (
        tenant_id integer not null, day integer not null, post_id integer not null, kind text not null, sketch blob not null,
        primary key (tenant_id, day, post_id, kind))`,
      `create table if not exists event_batches (
        tenant_id integer not null, batch_id text not null, events integer not null, applied_at integer not null,
        primary key (tenant_id, batch_id)) without rowid`,
      'create index if not exists event_batches_applied on event_batches (tenant_id, applied_at)',
      `create table if not exists events (
        tenant_id integer not null, day integer not null, id integer not null, at integer not null, kind text not null,
        post_id integer not null, visitor text, extra text, primary key (tenant_id, day, id)) without rowid`,
    ],
    mysql: [
      'alter table posts add index posts_feed (tenant_id, feed_id, sort_at, id)',
      `create table if not exists event_counts (
        tenant_id bigint not null, minute int not null, post_id bigint not null, kind ${KIND} not null, events bigint not null,
        primary key (tenant_id, minute, post_id, kind)) engine=innodb`,
      `create table if not exists event_days (
        tenant_id bigint not null, day int not null, post_id bigint not null, kind ${KIND} not null, events bigint not null,
        primary key (tenant_id, day, post_id, kind)) engine=innodb`,
      `create table if not exists event_visitors (
        tenant_id bigint not null, day int not null, post_id bigint not null, kind ${KIND} not null, sketch varbinary(4200) not null,
        primary key (tenant_id, day, post_id, kind)) engine=innodb`,
      `create table if not exists event_batches (
        tenant_id bigint not null, batch_id varchar(64) character set ascii collate ascii_bin not null, events int not null,
        applied_at bigint not null, primary key (tenant_id, batch_id), key event_batches_applied (tenant_id, applied_at)) engine=innodb`,
      `create table if not exists events (
        tenant_id bigint not null, day int not null, id bigint not null, at bigint not null, kind ${KIND} not null,
        post_id bigint not null, visitor char(16) character set ascii collate ascii_bin, extra text,
        primary key (tenant_id, day, id)) engine=innodb`,
    ],
  },
  {
    version: 5,
    sqlite: ['create table if not exists residents (tenant_id integer not null primary key, fenced_by integer)'],
    mysql: ['create table if not exists residents (tenant_id bigint not null primary key, fenced_by bigint) engine=innodb'],
  },
]
