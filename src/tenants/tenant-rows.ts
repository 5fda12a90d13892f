import type { Kysely } from 'kysely'
import type { DialectName, OpenDatabase, TenantSchema } from './databases/index.js'
import type { TenantId } from './ids.js'

/** The rows of one tenant, to be read: every query starts with its `tenant_id`. */
export class TenantRows {
  constructor(
    protected readonly database: OpenDatabase<TenantSchema>,
    protected readonly executor: Kysely<TenantSchema>,
    readonly tenantId: TenantId,
  ) {}

  get dialect(): DialectName {
    return this.database.dialect
  }

  feeds() {
    return this.executor.selectFrom('feeds').where('feeds.tenant_id', '=', this.tenantId)
  }

  posts() {
    return this.executor.selectFrom('posts').where('posts.tenant_id', '=', this.tenantId)
  }

  tombstones() {
    return this.executor.selectFrom('tombstones').where('tombstones.tenant_id', '=', this.tenantId)
  }

  media() {
    return this.executor.selectFrom('media').where('media.tenant_id', '=', this.tenantId)
  }

  mediaLinks() {
    return this.executor.selectFrom('media_links').where('media_links.tenant_id', '=', this.tenantId)
  }

  eventCounts() {
    return this.executor.selectFrom('event_counts').where('event_counts.tenant_id', '=', this.tenantId)
  }

  eventDays() {
    return this.executor.selectFrom('event_days').where('event_days.tenant_id', '=', this.tenantId)
  }

  eventVisitors() {
    return this.executor.selectFrom('event_visitors').where('event_visitors.tenant_id', '=', this.tenantId)
  }

  eventBatches() {
    return this.executor.selectFrom('event_batches').where('event_batches.tenant_id', '=', this.tenantId)
  }

  events() {
    return this.executor.selectFrom('events').where('events.tenant_id', '=', this.tenantId)
  }

  counters() {
    return this.executor.selectFrom('counters').where('counters.tenant_id', '=', this.tenantId)
  }
}
