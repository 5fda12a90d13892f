import type { Generated } from 'kysely'
import type { MigrationsTable } from './tenant.js'

export type TenantState = 'provisioning' | 'active' | 'suspended' | 'deleting'
export type PlacementKind = 'dedicated' | 'shared'
export type HostState = 'open' | 'draining'

/** A database server tenants may be placed on. `default` is the one of the DB_* settings. */
export interface HostsTable {
  id: Generated<number>
  name: string
  /** `host:port` or the path of a socket; on SQLite the folder of its files. Null is as the DB_* settings say. */
  address: string | null
  /** Null is DB_USERNAME. Its password is in no catalog: FEEDCTL_HOST_PASSWORDS. */
  username: string | null
  /** New tenants go to the host that has the fewest in all for its weight; 0 for none but by name. */
  weight: Generated<number>
  /** Tenants it takes at most; null is as many as come. */
  max_tenants: number | null
  /** Connections that all processes together open to it at most; null is FEEDCTL_DB_POOL for each process. */
  max_connections: number | null
  /** `host:port` of a replica that reads may go to; null for none. */
  read_address: string | null
  /** Where it stands, in the operator's words; null where nobody said. */
  region: string | null
  /** `draining` takes no new tenants. */
  state: Generated<HostState>
  created_at: number
}

/** Connections to a host that a process has of the host's budget, until it is not heard of any more. */
export interface HostLeasesTable {
  host_id: number
  holder: string
  connections: number
  expires_at: number
}

/** A database on a host: one tenant's own, shared by many, or a `spare` that is nobody's yet. */
export interface PlacementsTable {
  id: Generated<number>
  /** `dropping`: the database has no tenant, and nobody may make one of its name until it is gone. */
  kind: PlacementKind | 'spare' | 'dropping'
  host_id: number
  database_name: string
  /** Version of the tenant schema it is known to have; 0 before the first. */
  schema_version: number
  /** MySQL user that was made for this database alone; null for none. */
  db_user: string | null
  /**
   * When the tenant that had it for its own was removed with it; null while it has not been anyone's. Of one that is `dropping`: when it was seen to
   * be this installation's, which it cannot tell itself once it is dropped by half.
   */
  vacated_at: number | null
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
  /** What sync stores of its posts' media: comma list as FEEDCTL_MEDIA_TYPES, '' for nothing, and the caps; null is as the settings say. */
  media_types: string | null
  media_max_bytes: number | null
  media_per_post: number | null
  /** Since when its jobs are put aside; null when they are done. */
  paused_at: number | null
  /** 1 for one of the leak probe's own, which the next probe removes; 0 for every customer. */
  canary: Generated<number>
  /** The move that holds its writers and jobs off right now; null when none does. */
  move_id: number | null
  /** When the first of its sources is due; null when nobody knows, so that it is due now. */
  next_sync_at: number | null
  /** When a sync of it last came to its end; null before the first. */
  synced_at: number | null
  /** How long that took, ms. */
  sync_ms: number | null
  /** Syncs in a row that failed as a whole. */
  sync_failures: Generated<number>
  /** Feeds that failed in the newest sync. */
  sync_feeds_failed: Generated<number>
  /** Grows whenever an answer about the tenant may be another than before: its posts, feeds, token or state changed. */
  content_version: Generated<number>
  /** When it last grew, by the clock of the process that made it; 0 when it never did. */
  content_changed_at: Generated<number>
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
  /** When somebody stopped reading it who may have been the last; null since it was looked whether others do. */
  left_at: number | null
  created_at: number
}

export interface RunsTable {
  id: string
  forced: number
  /** 1 for one that the scheduler began: nobody follows it. */
  scheduled: Generated<number>
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
  /** The last feed that is done, of a tenant whose feeds are synced in several jobs; null before the first of them. */
  after_feed: number | null
  /** `TenantReport` as JSON, once it has ended, or of the feeds that are done. */
  report: string | null
  finished_at: number | null
}

export interface LocksTable {
  name: string
  holder: string
  acquired_at: number
  expires_at: number
}

/** Reads of a tenant's media, by the disk that answered. */
export interface MediaReadsTable {
  tenant_id: number
  disk: 'local' | 'wasabi'
  reads: number
  last_at: number
}

/** An alert that stands. */
export interface AlertsTable {
  name: string
  message: string
  since: number
  /** When it was last told; null when it never reached anyone. */
  sent_at: number | null
  /** How often it was told. */
  sent: number
}

/** Since when a check of `feedctl doctor` finds what it finds. */
export interface FindingsTable {
  id: string
  severity: 'ok' | 'warn' | 'fail'
  since: number
}

/**
 * `copying` (the old placement counts), `undoing` (the half copy is being removed), `switched` (the catalog names the new placement, the old copy is kept until
 * `keep_until`) and `finishing` (the old copy is being removed) go on; `finished` (the old copy is gone, or was taken up by a move back), `undone` (as before the
 * move) and `resumed` (a later row is the same move's next attempt) are ends.
 */
export type MoveState = 'copying' | 'undoing' | 'switched' | 'finishing' | 'finished' | 'undone' | 'resumed'

/** A tenant's way from one placement to another. */
export interface MovesTable {
  id: Generated<number>
  tenant_id: number
  from_placement_id: number
  to_placement_id: number
  state: MoveState
  /** What was copied and verified so far, per table, as JSON; null before the first. */
  progress: string | null
  /** The process that works on it; null when none does. */
  holder: string | null
  failure_code: string | null
  failure_message: string | null
  keep_until: number | null
  started_at: number
  switched_at: number | null
  ended_at: number | null
  updated_at: number
}

/** One `feedctl tenant migrate` that had something to do, or that found every database up to date for the first time. */
export interface MigrationRunsTable {
  id: string
  /** Every database, or those of named tenants. */
  scope: 'all' | 'named'
  /** `done`: everything it was for is up to date. `stopped`: something failed, or its operator stopped it; `--resume` goes on. */
  state: 'running' | 'done' | 'stopped'
  to_version: number
  /** `MigrateOptions` that `--resume` takes over, as JSON. */
  options: string
  /** The process that works on it, or did. */
  holder: string
  started_at: number
  ended_at: number | null
}

/** A placement's part of it; one that is not reached yet has no row. */
export interface MigrationPlacementsTable {
  run_id: string
  placement_id: number
  state: 'running' | 'ok' | 'failed'
  from_version: number
  duration_ms: number | null
  failure_code: string | null
  failure_message: string | null
  ended_at: number | null
}

/** What is removed with a tenant, kept from the beginning of its removal on. */
export interface ReceiptsTable {
  id: Generated<number>
  tenant_id: number
  slug: string
  /** `RemovalFacts` as JSON. */
  receipt: string
  /** Its events that were never counted: whoever counts adds those that it drops. */
  events_dropped: Generated<number>
  began_at: number
  /** When all of it was gone; null before. */
  removed_at: number | null
}

export interface CatalogSchema {
  feedctl_migrations: MigrationsTable
  hosts: HostsTable
  host_leases: HostLeasesTable
  placements: PlacementsTable
  tenants: TenantsTable
  sources: SourcesTable
  runs: RunsTable
  run_tenants: RunTenantsTable
  locks: LocksTable
  alerts: AlertsTable
  media_reads: MediaReadsTable
  findings: FindingsTable
  moves: MovesTable
  migration_runs: MigrationRunsTable
  migration_placements: MigrationPlacementsTable
  receipts: ReceiptsTable
}
