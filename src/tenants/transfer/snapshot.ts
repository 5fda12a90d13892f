import { type Kysely, sql } from 'kysely'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { DialectName, TenantSchema } from '../databases/index.js'
import type { TenantId } from '../ids.js'
import type { Tenant } from '../tenant.js'
import { bringUpToDate } from '../upgrade.js'
import type { Section } from './sections.js'

const ROWS_PER_PAGE = 1_000
/** Of long columns, what is fetched at once, unless one row has more. */
const BYTES_PER_PAGE = 2 * 1024 * 1024

export type Row = Readonly<Record<string, unknown>>

/**
 * Runs the deed on the tenant's rows as they are at one moment; writers go on meanwhile. @throws {Failure} TENANT_MOVED when they are somewhere else by now
 */
export async function withSnapshot<T>(
  catalog: Catalog,
  tenant: Tenant,
  deed: (snapshot: TenantSnapshot) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  signal.throwIfAborted()
  await bringUpToDate(catalog, tenant)
  const server = await catalog.hosts.serverOf(tenant.placement.host)
  return server.snapshot<TenantSchema, T>(tenant.placement.database, async reader => {
    const resident = await reader
      .selectFrom('residents')
      .select('tenant_id')
      .where('tenant_id', '=', tenant.id)
      .executeTakeFirst()
    if (resident === undefined)
      throw new Failure('TENANT_MOVED', `tenant ${tenant.slug} has moved`, { hint: 'the same command again' })
    return deed(new TenantSnapshot(reader, server.dialect, tenant.id, signal))
  })
}

/** A tenant's rows at one moment. */
export class TenantSnapshot {
  constructor(
    private readonly reader: Kysely<TenantSchema>,
    private readonly dialect: DialectName,
    private readonly tenantId: TenantId,
    private readonly signal: AbortSignal,
  ) {}

  /** All rows of a table in the order of its key, so many at once as fit into a few megabytes; the columns are those of the section. */
  async *rowsOf(section: Section): AsyncGenerator<readonly Row[]> {
    for (let after: Row | null = null; ; ) {
      this.signal.throwIfAborted()
      const pages: number[] = section.long.length === 0 ? [ROWS_PER_PAGE] : await this.pagesOf(section, after)
      for (const count of pages) {
        const rows: Row[] = await this.from(section, after)
          .select(Object.keys(section.columns) as 'id'[])
          .limit(count)
          .execute()
        after = rows.at(-1) ?? null
        if (rows.length > 0) yield rows
        if (rows.length < count) return
      }
      if (pages.length === 0) return
    }
  }

  async countOf({ table }: Section): Promise<number> {
    const query = this.reader.selectFrom(table as 'feeds').where('tenant_id', '=', this.tenantId)
    const { rows } = await query.select(eb => eb.fn.countAll<number>().as('rows')).executeTakeFirstOrThrow()
    return Number(rows)
  }

  /** What the row behind so many has as the first column of its key; null when there are no more. */
  async keyAt(section: Section, index: number): Promise<number | null> {
    const column = section.key[0] as 'id'
    const row = await this.from(section, null).select(column).limit(1).offset(index).executeTakeFirst()
    return row?.[column] ?? null
  }

  /** How many of the next rows to fetch at once, again and again, by what their long columns hold. */
  private async pagesOf(section: Section, after: Row | null): Promise<number[]> {
    const rows = await this.from(section, after).select(this.sizeOf(section).as('size')).limit(ROWS_PER_PAGE).execute()
    const pages: number[] = []
    let bytes = Number.POSITIVE_INFINITY
    for (const { size } of rows) {
      if (bytes + size > BYTES_PER_PAGE) {
        pages.push(0)
        bytes = 0
      }
      pages[pages.length - 1] = (pages.at(-1) ?? 0) + 1
      bytes += size
    }
    return pages
  }

  private sizeOf(section: Section) {
    const bytes = (column: string) =>
      this.dialect === 'sqlite'
        ? sql`coalesce(length(cast(${sql.ref(column)} as blob)), 0)`
        : sql`coalesce(length(${sql.ref(column)}), 0)`
    return sql<number>`${sql.join(section.long.map(bytes), sql` + `)}`
  }

  /** Written as if it were of feeds: every tenant table has its key behind the tenant's number. */
  private from({ table, key }: Section, after: Row | null) {
    const columns = key as 'id'[]
    let query = this.reader.selectFrom(table as 'feeds').where('tenant_id', '=', this.tenantId)
    for (const column of columns) query = query.orderBy(column)
    if (after === null) return query
    // Each step by itself: lists of columns are compared by no index everywhere.
    return query.where(eb =>
      eb.or(
        columns.map((column, index) =>
          eb.and([
            ...columns.slice(0, index).map(before => eb(before, '=', after[before] as number)),
            eb(column, '>', after[column] as number),
          ]),
        ),
      ),
    )
  }
}
