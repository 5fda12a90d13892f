import type { Migration } from '../../src/tenants/databases/migrations/apply.js'

/** The schema of tenants as the feedctl of version 1 made it. A record: never changed. */
export const TENANT_SCHEMA_1: readonly Migration[] = [
  {
    version: 1,
    sqlite: [
      `create table if not exists feeds (
        tenant_id integer not null, id integer not null, source_id integer not null, url text not null, title text,
        version text, stored_at integer, created_at integer not null, primary key (tenant_id, id)) without rowid`,
      'create unique index if not exists feeds_source on feeds (tenant_id, source_id)',
      `create table if not exists posts (
        tenant_id integer not null, id integer not null, feed_id integer not null, guid text not null, guid_hash text not null,
        content_hash text not null, url text, title text not null, author text, published_at integer, updated_at integer,
        content text not null, categories text not null, enclosures text not null, created_at integer not null,
        changed_at integer not null, primary key (tenant_id, id))`,
      'create unique index if not exists posts_guid on posts (tenant_id, feed_id, guid_hash)',
      `create table if not exists counters (
        tenant_id integer not null, name text not null, next integer not null, primary key (tenant_id, name)) without rowid`,
    ],
    mysql: [
      `create table if not exists feeds (
        tenant_id bigint not null, id bigint not null, source_id bigint not null, url varchar(2048) not null, title text,
        version char(22) character set ascii collate ascii_bin, stored_at bigint, created_at bigint not null,
        primary key (tenant_id, id), unique key feeds_source (tenant_id, source_id)) engine=innodb`,
      `create table if not exists posts (
        tenant_id bigint not null, id bigint not null, feed_id bigint not null, guid text not null,
        guid_hash char(22) character set ascii collate ascii_bin not null,
        content_hash char(22) character set ascii collate ascii_bin not null, url text, title text not null, author text,
        published_at bigint, updated_at bigint, content mediumtext not null, categories text not null,
        enclosures mediumtext not null, created_at bigint not null, changed_at bigint not null,
        primary key (tenant_id, id), unique key posts_guid (tenant_id, feed_id, guid_hash)) engine=innodb`,
      `create table if not exists counters (
        tenant_id bigint not null, name varchar(20) character set ascii collate ascii_bin not null, next bigint not null,
        primary key (tenant_id, name)) engine=innodb`,
    ],
  },
]
