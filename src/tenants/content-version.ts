import { type RawBuilder, sql } from 'kysely'
import { wordsOf } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { TenantState } from './databases/index.js'
import { parseTenantId, type TenantId } from './ids.js'

/** How much further back a look goes than the last one: a change is seen only when it is committed. */
const OVERLAP_MS = 10_000
/** Changes that follow each other this closely are told together. */
const LINGER_MS = 250

/** What the catalog says of a tenant whose content, token, state or placement changed lately. */
export interface ContentChange {
  readonly id: TenantId
  /** Grows with every change; smaller than before only where the catalog was restored from a backup. */
  readonly version: number
  readonly state: TenantState
  readonly tokenHash: string | null
  readonly host: string
  readonly database: string
}

interface ContentColumns {
  readonly content_version: RawBuilder<number>
  readonly content_changed_at: RawBuilder<number>
}

/** To be set with the row of the tenant where that is written anyway: everyone who keeps answers about it is told that they may have changed. */
export function contentColumns({ server }: Pick<Catalog, 'server'>): ContentColumns {
  return { content_version: sql<number>`content_version + 1`, content_changed_at: databaseNow(server.dialect) }
}

/** Tells everyone who keeps answers about the tenant that they may have changed; after the change is committed, never before. */
export async function contentChanged(catalog: Catalog, tenantId: TenantId): Promise<void> {
  await catalog.kysely.updateTable('tenants').set(contentColumns(catalog)).where('id', '=', tenantId).execute()
}

/**
 * Tenants that changed in the last `sinceMs`, or shortly before: those that were told of already may be among them. One that is gone, with its last row, is
 * `deleting` for ever. One statement, by indexes.
 */
export async function changedContent(catalog: Catalog, sinceMs: number): Promise<ContentChange[]> {
  const backMs = Math.ceil(sinceMs) + OVERLAP_MS
  const rows = await catalog.kysely
    .selectFrom('tenants')
    .innerJoin('placements', 'placements.id', 'tenants.placement_id')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .select(['tenants.id', 'content_version', 'tenants.state', 'token_hash', 'hosts.name as host', 'database_name'])
    .where('content_changed_at', '>', sql<number>`${databaseNow(catalog.server.dialect)} - ${backMs}`)
    .unionAll(
      catalog.kysely
        .selectFrom('receipts')
        .select([
          'tenant_id as id',
          sql<number>`0`.as('content_version'),
          sql<TenantState>`'deleting'`.as('state'),
          sql<string | null>`null`.as('token_hash'),
          sql<string>`''`.as('host'),
          sql<string>`''`.as('database_name'),
        ])
        .where('removed_at', '>', sql<number>`${databaseNow(catalog.server.dialect)} - ${backMs}`),
    )
    .execute()
  return rows.map(row => ({
    id: parseTenantId(row.id),
    version: row.content_version,
    state: row.state,
    tokenHash: row.token_hash,
    host: row.host,
    database: row.database_name,
  }))
}

/** How long ago the content of the tenant last changed, or the tenant was made, ms; less than 0 where clocks differ. */
export function contentAgeMs({ server }: Pick<Catalog, 'server'>): RawBuilder<number> {
  const latest = sql<number>`case when content_changed_at > tenants.created_at then content_changed_at else tenants.created_at end`
  return sql<number>`${databaseNow(server.dialect)} - ${latest}`
}

/** By one clock, that of the database: those of the machines that write and look differ. */
export function databaseNow(dialect: Catalog['server']['dialect']): RawBuilder<number> {
  if (dialect === 'sqlite') return sql<number>`${Date.now()}`
  return sql<number>`timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000`
}

/** Tells of the changes that one deed makes to a tenant, each within a quarter of a second, and many together. Its maker ends it by `tell` or `take`. */
export class ContentNews {
  private timer: NodeJS.Timeout | null = null
  private told: Promise<void> = Promise.resolve()

  constructor(
    private readonly catalog: Catalog,
    private readonly tenantId: TenantId,
    private readonly lingerMs = LINGER_MS,
  ) {}

  /** Something was committed. */
  add(): void {
    this.timer ??= setTimeout(() => {
      this.timer = null
      // An answer that nobody is told of is built anew when its time is over.
      this.told = contentChanged(this.catalog, this.tenantId).catch(() => {})
    }, this.lingerMs)
  }

  /** Whether something is still to be told; from now on the caller tells it. */
  take(): boolean {
    if (this.timer === null) return false
    clearTimeout(this.timer)
    this.timer = null
    return true
  }

  /** Tells what is still to be told. Never throws: the answer is why it could not be told, or null. */
  async tell(): Promise<string | null> {
    try {
      await this.told
      if (this.take()) await contentChanged(this.catalog, this.tenantId)
      return null
    } catch (error) {
      return wordsOf(error)
    }
  }
}
