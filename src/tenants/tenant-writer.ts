import type { Insertable } from 'kysely'
import {
  type Column,
  type CountersTable,
  insertColumns,
  insertRows,
  type OnDuplicate,
  type TenantSchema,
  updateRows,
} from './databases/index.js'
import { TenantRows } from './tenant-rows.js'

type EventTable = 'event_counts' | 'event_days' | 'event_visitors' | 'event_batches' | 'events'
type TenantTable = 'feeds' | 'posts' | 'tombstones' | 'counters' | 'media' | 'media_links' | EventTable
/** A row without its tenant: the handle adds it. */
type OwnRow<Table extends TenantTable> = Omit<Insertable<TenantSchema[Table]>, 'tenant_id'>

/**
 * The rows of one tenant, to be read and written, within one transaction that holds its row of `residents`: there is no other way to write, and none of it is
 * committed where the tenant is fenced or does not live any more.
 */
export class TenantWriter extends TenantRows {
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

  /** The tenant lives here no more: after this transaction its writers are refused, whatever they knew. */
  async leave(): Promise<void> {
    await this.executor.deleteFrom('residents').where('tenant_id', '=', this.tenantId).execute()
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
   * Takes `count` (0 or more) ids of the tenant's sequence and returns the first. Until the end of the transaction every
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
}
