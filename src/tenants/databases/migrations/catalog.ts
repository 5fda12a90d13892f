import type { Generated } from 'kysely'
import type { Migration } from './apply.js'
import type { MigrationsTable } from './tenant.js'

export type TenantState = 'provisioning' | 'active' | 'suspended' | 'deleting'
export type PlacementKind = 'dedicated' | 'shared'

/** A database server tenants may be placed on. `default` is the one of the DB_* settings. */
export interface HostsTable {
  id: Generated<number>
  name: string
  created_at: number
}

/** A database on a host: one tenant's own, or shared by many. */
export interface PlacementsTable {
  id: Generated<number>
  kind: PlacementKind
  host_id: number
  database_name: string
  /** Version of the tenant schema it is known to have; 0 before the first. */
  schema_version: number
  created_at: number
}

export interface TenantsTable {
  id: Generated<number>
  slug: string
  name: string
  state: TenantState
  placement_id: number
  /** SHA-256 of the API token, hex; null when none was given out. */
  token_hash: string | null
  /** The process that provisions the tenant right now; null otherwise. */
  claimed_by: string | null
  claimed_at: number | null
  /** When a tenant in state `deleting` may be removed; null in other states. */
  delete_after: number | null
  /** Age in days at which its posts are pruned; 0 keeps them, null is FEEDCTL_KEEP_DAYS. */
  keep_days: number | null
  /** Newest posts of each feed that pruning leaves; 0 keeps all, null is FEEDCTL_KEEP_POSTS. */
  keep_posts: number | null
  created_at: number
  updated_at: number
}

/** One URL, fetched once for everyone. Times are milliseconds since the epoch. */
export interface SourcesTable {
  id: Generated<number>
  url: string
  url_hash: string
  /** Of the URL, as `hostOf` writes it; null for a source that an earlier feedctl registered, until it is checked. */
  host: string | null
  etag: string | null
  last_modified: string | null
  /** Hash of the last document that was read; null before the first. */
  version: string | null
  checked_at: number | null
  checked_run: string | null
  changed_at: number | null
  next_check_at: number
  /** Until when its host asked to be left alone, by all its sources; null when it did not. */
  quiet_until: number | null
  /** As `writeReasons` writes them: why `next_check_at` is what it is; null before the first check. */
  next_check_why: string | null
  /** `Rhythm` of the newest document as JSON; null before the first. */
  rhythm: string | null
  /** `Notice[]` of the newest document as JSON; null when there are none. */
  notices: string | null
  /** Where the newest checks were redirected for good, and how many of them in a row; null and 0 when they were not. */
  moved_to: string | null
  moved_count: number
  /** The source that this one turned out to be: nobody asks this one any more, and its feeds follow. */
  merged_into: number | null
  /** When the publisher said that the feed is gone for good (410): it is asked only when forced. Null otherwise. */
  retired_at: number | null
  failure_code: string | null
  failure_message: string | null
  failure_count: number
  /** The process that asks the source right now, until `lease_until`. */
  lease_token: string | null
  lease_until: number | null
  created_at: number
}

export interface RunsTable {
  id: string
  forced: number
  started_at: number
  /** Null while it runs, and for one that nobody followed to its end. */
  finished_at: number | null
}

/** One tenant's part of a run. */
export interface RunTenantsTable {
  run_id: string
  tenant_id: number
  state: 'queued' | 'running' | 'ok' | 'failed' | 'skipped'
  /** The job that works on it, while `running`. */
  job_token: string | null
  /** `TenantReport` as JSON, once it has ended. */
  report: string | null
  finished_at: number | null
}

export interface LocksTable {
  name: string
  holder: string
  acquired_at: number
  expires_at: number
}

export interface CatalogSchema {
  feedctl_migrations: MigrationsTable
  hosts: HostsTable
  placements: PlacementsTable
  tenants: TenantsTable
  sources: SourcesTable
  runs: RunsTable
  run_tenants: RunTenantsTable
  locks: LocksTable
}

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
]
