import type { Migration } from './apply.js'

const ASCII = 'character set ascii collate ascii_bin'

/** Every statement may run twice: MySQL commits each on its own, so that a killed migration is simply run again. */
export const CATALOG_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    sqlite: [
      'create table if not exists hosts (id integer primary key autoincrement, name text not null unique, created_at integer not null)',
      `create table if not exists placements (
        id integer primary key autoincrement, kind text not null, host_id integer not null, database_name text not null,
        schema_version integer not null, created_at integer not null, unique (host_id, database_name))`,
      `create table if not exists tenants (
        id integer primary key autoincrement, slug text not null unique, name text not null, state text not null,
        placement_id integer not null, token_hash text unique, claimed_by text, claimed_at integer, delete_after integer,
        created_at integer not null, updated_at integer not null)`,
      'create index if not exists tenants_placement on tenants (placement_id)',
      'create index if not exists tenants_state on tenants (state, id)',
      `create table if not exists sources (
        id integer primary key autoincrement, url text not null, url_hash text not null unique, etag text, last_modified text,
        version text, checked_at integer, checked_run text, changed_at integer, next_check_at integer not null, failure_code text,
        failure_message text, failure_count integer not null, lease_token text, lease_until integer, created_at integer not null)`,
      `create table if not exists runs (
        id text primary key, forced integer not null, started_at integer not null, finished_at integer)`,
      `create table if not exists run_tenants (
        run_id text not null, tenant_id integer not null, state text not null, job_token text, report text, finished_at integer,
        primary key (run_id, tenant_id)) without rowid`,
      'create index if not exists run_tenants_tenant on run_tenants (tenant_id, state)',
      `create table if not exists locks (
        name text primary key, holder text not null, acquired_at integer not null, expires_at integer not null)`,
    ],
    mysql: [
      `create table if not exists hosts (
        id bigint primary key auto_increment, name varchar(64) not null unique, created_at bigint not null) engine=innodb`,
      `create table if not exists placements (
        id bigint primary key auto_increment, kind varchar(10) not null, host_id bigint not null, database_name varchar(64) not null,
        schema_version int not null, created_at bigint not null, unique key placements_database (host_id, database_name)) engine=innodb`,
      `create table if not exists tenants (
        id bigint primary key auto_increment, slug varchar(41) ${ASCII} not null unique, name varchar(200) not null,
        state varchar(12) not null, placement_id bigint not null, token_hash char(64) ${ASCII} unique, claimed_by varchar(120),
        claimed_at bigint, delete_after bigint, created_at bigint not null, updated_at bigint not null,
        key tenants_placement (placement_id), key tenants_state (state, id)) engine=innodb`,
      `create table if not exists sources (
        id bigint primary key auto_increment, url varchar(2048) not null, url_hash char(22) ${ASCII} not null unique, etag text,
        last_modified text, version char(22) ${ASCII}, checked_at bigint, checked_run char(22) ${ASCII}, changed_at bigint,
        next_check_at bigint not null, failure_code varchar(40), failure_message text, failure_count int not null,
        lease_token varchar(120), lease_until bigint, created_at bigint not null) engine=innodb`,
      `create table if not exists runs (
        id char(22) ${ASCII} primary key, forced tinyint not null, started_at bigint not null, finished_at bigint) engine=innodb`,
      `create table if not exists run_tenants (
        run_id char(22) ${ASCII} not null, tenant_id bigint not null, state varchar(8) ${ASCII} not null, job_token char(22) ${ASCII},
        report mediumtext, finished_at bigint, primary key (run_id, tenant_id), key run_tenants_tenant (tenant_id, state)) engine=innodb`,
      `create table if not exists locks (
        name varchar(80) primary key, holder varchar(120) not null, acquired_at bigint not null, expires_at bigint not null) engine=innodb`,
    ],
  },
  {
    version: 2,
    sqlite: [
      'alter table tenants add column keep_days integer',
      'alter table tenants add column keep_posts integer',
      'alter table sources add column host text',
      'alter table sources add column quiet_until integer',
      'alter table sources add column next_check_why text',
      'alter table sources add column rhythm text',
      'alter table sources add column notices text',
      'alter table sources add column moved_to text',
      'alter table sources add column moved_count integer not null default 0',
      'alter table sources add column merged_into integer',
      'alter table sources add column retired_at integer',
      'create index if not exists sources_host on sources (host, quiet_until)',
    ],
    mysql: [
      'alter table tenants add column keep_days int',
      'alter table tenants add column keep_posts int',
      `alter table sources add column host varchar(260) ${ASCII}`,
      'alter table sources add column quiet_until bigint',
      'alter table sources add column next_check_why text',
      'alter table sources add column rhythm text',
      'alter table sources add column notices text',
      'alter table sources add column moved_to varchar(2048)',
      'alter table sources add column moved_count int not null default 0',
      'alter table sources add column merged_into bigint',
      'alter table sources add column retired_at bigint',
      'alter table sources add index sources_host (host, quiet_until)',
    ],
  },
  {
    version: 3,
    sqlite: [
      'alter table tenants add column paused_at integer',
      'alter table tenants add column next_sync_at integer',
      'alter table tenants add column synced_at integer',
      'alter table tenants add column sync_ms integer',
      'alter table tenants add column sync_failures integer not null default 0',
      'alter table tenants add column sync_feeds_failed integer not null default 0',
      'create index if not exists tenants_next_sync on tenants (state, next_sync_at)',
      'create index if not exists tenants_synced on tenants (synced_at)',
      'alter table run_tenants add column after_feed integer',
      'alter table runs add column scheduled integer not null default 0',
      'create index if not exists runs_started on runs (started_at)',
      `create table if not exists alerts (
        name text primary key, message text not null, since integer not null, sent_at integer, sent integer not null) without rowid`,
      `create table if not exists findings (
        id text primary key, severity text not null, since integer not null) without rowid`,
    ],
    mysql: [
      'alter table tenants add column paused_at bigint',
      'alter table tenants add column next_sync_at bigint',
      'alter table tenants add column synced_at bigint',
      'alter table tenants add column sync_ms bigint',
      'alter table tenants add column sync_failures int not null default 0',
      'alter table tenants add column sync_feeds_failed int not null default 0',
      'alter table tenants add index tenants_next_sync (state, next_sync_at)',
      'alter table tenants add index tenants_synced (synced_at)',
      'alter table run_tenants add column after_feed bigint',
      'alter table runs add column scheduled tinyint not null default 0',
      'alter table runs add index runs_started (started_at)',
      `create table if not exists alerts (
        name varchar(80) ${ASCII} primary key, message text not null, since bigint not null, sent_at bigint, sent int not null) engine=innodb`,
      `create table if not exists findings (
        id varchar(80) ${ASCII} primary key, severity varchar(8) ${ASCII} not null, since bigint not null) engine=innodb`,
    ],
  },
  {
    version: 4,
    sqlite: [
      'alter table tenants add column media_types text',
      'alter table tenants add column media_max_bytes integer',
      'alter table tenants add column media_per_post integer',
      `create table if not exists media_reads (
        tenant_id integer not null, disk text not null, reads integer not null, last_at integer not null,
        primary key (tenant_id, disk)) without rowid`,
    ],
    mysql: [
      'alter table tenants add column media_types text, add column media_max_bytes bigint, add column media_per_post int',
      `create table if not exists media_reads (
        tenant_id bigint not null, disk varchar(10) ${ASCII} not null, \`reads\` bigint not null, last_at bigint not null,
        primary key (tenant_id, disk)) engine=innodb`,
    ],
  },
  {
    version: 5,
    sqlite: [
      'alter table tenants add column content_version integer not null default 0',
      'alter table tenants add column content_changed_at integer not null default 0',
      'create index if not exists tenants_content on tenants (content_changed_at)',
    ],
    mysql: [
      `alter table tenants add column content_version bigint not null default 0,
        add column content_changed_at bigint not null default 0, add index tenants_content (content_changed_at)`,
    ],
  },
  {
    version: 6,
    sqlite: [
      'alter table hosts add column address text',
      'alter table hosts add column username text',
      'alter table hosts add column weight integer not null default 100',
      'alter table hosts add column max_tenants integer',
      'alter table hosts add column max_connections integer',
      'alter table hosts add column read_address text',
      "alter table hosts add column state text not null default 'open'",
      'alter table placements add column db_user text',
      'create index if not exists placements_version on placements (schema_version, id)',
      'create index if not exists placements_kind on placements (kind, host_id, id)',
      'alter table tenants add column move_id integer',
      'alter table tenants add column canary integer not null default 0',
      `create table if not exists host_leases (
        host_id integer not null, holder text not null, connections integer not null, expires_at integer not null,
        primary key (host_id, holder)) without rowid`,
      `create table if not exists moves (
        id integer primary key autoincrement, tenant_id integer not null, from_placement_id integer not null,
        to_placement_id integer not null, state text not null, progress text, holder text, failure_code text, failure_message text,
        keep_until integer, started_at integer not null, switched_at integer, ended_at integer, updated_at integer not null)`,
      'create index if not exists moves_tenant on moves (tenant_id, id)',
      'create index if not exists moves_state on moves (state, id)',
      'create index if not exists moves_ended on moves (ended_at)',
      `create table if not exists migration_runs (
        id text primary key, scope text not null, state text not null, to_version integer not null, options text not null,
        holder text not null, started_at integer not null, ended_at integer) without rowid`,
      'create index if not exists migration_runs_scope on migration_runs (scope, started_at)',
      `create table if not exists migration_placements (
        run_id text not null, placement_id integer not null, state text not null, from_version integer not null,
        duration_ms integer, failure_code text, failure_message text, ended_at integer,
        primary key (run_id, placement_id)) without rowid`,
      `create table if not exists receipts (
        id integer primary key autoincrement, tenant_id integer not null unique, slug text not null, receipt text not null,
        events_dropped integer not null default 0, began_at integer not null, removed_at integer)`,
      'create index if not exists receipts_slug on receipts (slug, id)',
      'create index if not exists receipts_removed on receipts (removed_at)',
      'alter table placements add column vacated_at integer',
      'create index if not exists placements_vacated on placements (vacated_at)',
      'alter table sources add column left_at integer',
      'create index if not exists sources_left on sources (left_at)',
    ],
    mysql: [
      `alter table hosts add column address varchar(255), add column username varchar(80),
        add column weight int not null default 100, add column max_tenants int, add column max_connections int,
        add column read_address varchar(255), add column state varchar(10) not null default 'open'`,
      `alter table placements add column db_user varchar(80), add index placements_version (schema_version, id),
        add index placements_kind (kind, host_id, id)`,
      'alter table tenants add column move_id bigint, add column canary tinyint not null default 0',
      `create table if not exists host_leases (
        host_id bigint not null, holder varchar(120) not null, connections int not null, expires_at bigint not null,
        primary key (host_id, holder)) engine=innodb`,
      `create table if not exists moves (
        id bigint primary key auto_increment, tenant_id bigint not null, from_placement_id bigint not null,
        to_placement_id bigint not null, state varchar(12) ${ASCII} not null, progress mediumtext, holder varchar(120),
        failure_code varchar(40), failure_message text, keep_until bigint, started_at bigint not null, switched_at bigint,
        ended_at bigint, updated_at bigint not null, key moves_tenant (tenant_id, id), key moves_state (state, id),
        key moves_ended (ended_at)) engine=innodb`,
      `create table if not exists migration_runs (
        id char(22) ${ASCII} primary key, scope varchar(8) ${ASCII} not null, state varchar(12) ${ASCII} not null,
        to_version int not null, options text not null, holder varchar(120) not null, started_at bigint not null, ended_at bigint,
        key migration_runs_scope (scope, started_at)) engine=innodb`,
      `create table if not exists migration_placements (
        run_id char(22) ${ASCII} not null, placement_id bigint not null, state varchar(12) ${ASCII} not null,
        from_version int not null, duration_ms bigint, failure_code varchar(40), failure_message text, ended_at bigint,
        primary key (run_id, placement_id)) engine=innodb`,
      `create table if not exists receipts (
        id bigint primary key auto_increment, tenant_id bigint not null unique, slug varchar(41) ${ASCII} not null,
        receipt mediumtext not null, events_dropped bigint not null default 0, began_at bigint not null, removed_at bigint,
        key receipts_slug (slug, id), key receipts_removed (removed_at)) engine=innodb`,
      'alter table placements add column vacated_at bigint, add index placements_vacated (vacated_at)',
      'alter table sources add column left_at bigint, add index sources_left (left_at)',
    ],
  },
  {
    version: 7,
    sqlite: ['alter table hosts add column region text'],
    mysql: [`alter table hosts add column region varchar(40) ${ASCII}`],
  },
  {
    version: 8,
    sqlite: [
      `create table if not exists api_hours (
        hour_at integer not null, process text not null, requests integer not null, peak_per_s integer not null,
        connections integer not null, first_at integer not null, last_at integer not null, primary key (hour_at, process)) without rowid`,
    ],
    mysql: [
      `create table if not exists api_hours (
        hour_at bigint not null, process varchar(120) not null, requests bigint not null, peak_per_s int not null,
        connections int not null, first_at bigint not null, last_at bigint not null, primary key (hour_at, process)) engine=innodb`,
    ],
  },
]
