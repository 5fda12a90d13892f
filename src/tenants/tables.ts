import type { Insertable, Kysely, KyselyPlugin } from 'kysely'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from './catalog.js'
import {
  type Column,
  type CountersTable,
  type DialectName,
  insertColumns,
  insertRows,
  type OnDuplicate,
  type OpenDatabase,
  type TenantSchema,
  updateRows,
} from './databases/index.js'
import type { Tenant } from './tenant.js'
import { bringUpToDate } from './upgrade.js'

type EventTable = 'event_counts' | 'event_days' | 'event_visitors' | 'event_batches' | 'events'
type TenantTable = 'feeds' | 'posts' | 'tombstones' | 'counters' | 'media' | 'media_links' | 'residents' | EventTable
/** A row without its tenant: the handle adds it. */
type OwnRow<Table extends TenantTable> = Omit<Insertable<TenantSchema[Table]>, 'tenant_id'>

/**
 * Runs the deed on the tables of one tenant, which are brought up to date first when an earlier feedctl made them. The handle is valid
 * until the deed ends and reaches no other tenant's rows. When the signal aborts no further statement is made, and a transaction that has not
 * been committed is rolled back: the deed rejects with the signal's reason.
 */
export async function withTenant<T>(
  catalog: Catalog,
  tenant: Pick<Tenant, 'id' | 'placement' | 'schemaVersion'>,
  deed: (tables: TenantTables) => Promise<T>,
  signal: AbortSignal | null = null,
): Promise<T> {
  signal?.throwIfAborted()
  await bringUpToDate(catalog, tenant)
  const server = await catalog.hosts.serverOf(tenant.placement.host)
  return server.use<TenantSchema, T>(tenant.placement.database, database => {
    const executor = signal === null ? database.kysely : database.kysely.withPlugin(heeding(signal))
    return deed(new TenantTables(database, executor, tenant.id, signal))
  })
}

/** Stops before the first statement after the signal has aborted, and after the one that was under way. */
function heeding(signal: AbortSignal): KyselyPlugin {
  return {
    transformQuery({ node }) {
      signal.throwIfAborted()
      return node
    },
    async transformResult({ result }) {
      signal.throwIfAborted()
      return result
    },
  }
}

/** The tables of one tenant, wherever they are: every query starts with its `tenant_id`. */
export class TenantTables {
  constructor(
    private readonly database: OpenDatabase<TenantSchema>,
    private readonly executor: Kysely<TenantSchema>,
    readonly tenantId: Tenant['id'],
    private readonly signal: AbortSignal | null = null,
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

  updateMedia() {
    return this.executor.updateTable('media').where('media.tenant_id', '=', this.tenantId)
  }

  updateMediaLinks() {
    return this.executor.updateTable('media_links').where('media_links.tenant_id', '=', this.tenantId)
  }

  updateFeeds() {
    return this.executor.updateTable('feeds').where('feeds.tenant_id', '=', this.tenantId)
  }

  updatePosts() {
    return this.executor.updateTable('posts').where('posts.tenant_id', '=', this.tenantId)
  }

  remove(table: TenantTable) {
    return this.executor.deleteFrom(table).where('tenant_id', '=', this.tenantId)
  }

  /** Inserts rows in few statements; none is no statement. */
  async insert<Table extends TenantTable>(
    table: Table,
    rows: readonly OwnRow<Table>[],
    onDuplicate: OnDuplicate<Insertable<TenantSchema[Table]>> = 'fail',
  ): Promise<void> {
    const owned = rows.map(row => ({ tenant_id: this.tenantId as number, ...row })) as Insertable<TenantSchema[Table]>[]
    await insertRows<TenantSchema, Table, Insertable<TenantSchema[Table]>>(
      this.database,
      table,
      owned,
      onDuplicate,
      this.executor,
    )
  }

  /** The same of very many rows, column by column, for numbers, words and bytes. */
  async insertColumns<Table extends TenantTable>(
    table: Table,
    length: number,
    columns: readonly Column<Exclude<keyof TenantSchema[Table] & string, 'tenant_id'>>[],
    onDuplicate: OnDuplicate<TenantSchema[Table]> = 'fail',
  ): Promise<void> {
    type Names = keyof TenantSchema[Table] & string
    const owned: Column<Names>[] = [{ name: 'tenant_id' as Names, all: this.tenantId }, ...columns]
    await insertColumns<TenantSchema, Table>(this.database, table, length, owned, onDuplicate, this.executor)
  }

  /** Sets columns of many rows of media by id: `same` in all, others each to values of its own. Answers how many rows were there; none is no statement. */
  updateManyMedia(
    same: Partial<Omit<TenantSchema['media'], 'tenant_id'>>,
    rows: readonly ({ readonly id: number } & Partial<Omit<TenantSchema['media'], 'tenant_id'>>)[],
  ): Promise<number> {
    return updateRows(this.database, 'media', this.tenantId, same, rows, this.executor)
  }

  /**
   * Takes `count` (0 or more) ids of the tenant's sequence and returns the first. Only inside a transaction: until its end every
   * other writer of this tenant that takes ids waits.
   */
  async takeIds(name: CountersTable['name'], count: number): Promise<number> {
    if (!(await this.passIds(name, count))) {
      await this.insert('counters', [{ name, next: 1 }], 'keep')
      return this.takeIds(name, count)
    }
    const row = await this.executor
      .selectFrom('counters')
      .select('next')
      .where('counters.tenant_id', '=', this.tenantId)
      .where('name', '=', name)
      .executeTakeFirstOrThrow()
    return row.next - count
  }

  /** Takes the next `count` ids, for who knows them from `takeIds(name, 0)` in this transaction; false when nobody ever took one. */
  async passIds(name: CountersTable['name'], count: number): Promise<boolean> {
    const passed = await this.executor
      .updateTable('counters')
      .where('counters.tenant_id', '=', this.tenantId)
      .where('name', '=', name)
      .set(eb => ({ next: eb('next', '+', count) }))
      .executeTakeFirst()
    return passed.numUpdatedRows > 0n
  }

  /** All or nothing, begun anew when another writer's locks got in its way. The deed must wait for nothing but these tables. */
  transaction<T>(deed: (tables: TenantTables) => Promise<T>): Promise<T> {
    const attempt = () =>
      this.executor
        .transaction()
        .execute(transaction => deed(new TenantTables(this.database, transaction, this.tenantId, this.signal)))
    return retry(attempt, this.signal === null ? BRIEFLY : { ...BRIEFLY, signal: this.signal })
  }
}
