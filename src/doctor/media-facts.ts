import type { Catalog } from '../tenants/catalog.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import { listTenants, type Tenant } from '../tenants/tenant.js'
import { TENANT_SCHEMA_VERSION } from '../tenants/upgrade.js'
import { type LinkFacts, LinkTally } from './link-facts.js'

/** Tenants whose media is looked at, and how long: enough to see what goes wrong everywhere. */
const PAGE = 200
const LOOK_MS = 6_000

/** How the media of many tenants stands. Times are epoch ms. */
export interface MediaFacts {
  readonly tenants: number
  /** There are tenants that were not looked at. */
  readonly more: boolean
  readonly files: number
  /** Not yet in the bucket. */
  readonly waiting: number
  /** Whose last attempt failed, and the most frequent reason; null without any. */
  readonly failed: number
  readonly failure: string | null
  /** Uploads that were begun, and since when the oldest has stood still; null without any. */
  readonly uploading: number
  readonly uploadingSince: number | null
  /** Local copies whose grace is over, and since when at most. */
  readonly overdue: number
  readonly overdueSince: number | null
  /** Local copies of what the bucket keeps. */
  readonly doubled: number
  readonly doubledBytes: number
  /** When media was last read from the local disk; null: never. */
  readonly localReadAt: number | null
  readonly links: LinkFacts
}

/** Null where no media table is there yet. Reads only. */
export async function readMediaFacts(catalog: Catalog, now: number, signal: AbortSignal): Promise<MediaFacts | null> {
  const end = Date.now() + LOOK_MS
  const tally = new Tally()
  let after: string | undefined
  for (;;) {
    const { tenants, next } = await listTenants(catalog, { limit: PAGE, ...(after === undefined ? {} : { after }) })
    // Tables of an earlier feedctl have no media, and looking must not bring them up to date.
    for (const tenant of tenants.filter(({ schemaVersion }) => schemaVersion === TENANT_SCHEMA_VERSION)) {
      if (Date.now() > end) return tally.facts(true, await localReadAt(catalog))
      await lookAt(catalog, tenant, tally, now, signal)
    }
    if (next === null) return tally.sums.tenants === 0 ? null : tally.facts(false, await localReadAt(catalog))
    after = next
  }
}

function lookAt(catalog: Catalog, tenant: Tenant, tally: Tally, now: number, signal: AbortSignal): Promise<void> {
  const deed = async (tables: TenantTables) => {
    tally.add(await statesOf(tables, now))
    await tally.links.add(tables, now)
  }
  return withTenant(catalog, tenant, deed, signal)
}

function statesOf(tables: TenantTables, now: number) {
  return tables
    .media()
    .groupBy(['state', 'failure_code'])
    .select(eb => [
      'state',
      'failure_code',
      eb.fn.countAll<number>().as('files'),
      eb.fn.sum<number>('bytes').as('bytes'),
      eb.fn.min('state_at').as('since'),
      eb.fn.sum<number>(eb.case().when('delete_after', '<', now).then(1).else(0).end()).as('overdue'),
      eb.fn.min('delete_after').as('delete_after'),
    ])
    .execute()
}

type StateRow = Awaited<ReturnType<typeof statesOf>>[number]

type Sums = {
  -readonly [Key in keyof Omit<MediaFacts, 'more' | 'failed' | 'failure' | 'localReadAt' | 'links'>]: MediaFacts[Key]
}

/** What is seen of tenant after tenant. */
class Tally {
  readonly sums: Sums = {
    ...{ tenants: 0, files: 0, waiting: 0, uploading: 0, uploadingSince: null },
    ...{ overdue: 0, overdueSince: null, doubled: 0, doubledBytes: 0 },
  }
  readonly links = new LinkTally()
  private readonly failures = new Map<string, number>()

  add(rows: readonly StateRow[]): void {
    this.sums.tenants += 1
    for (const row of rows) this.addRow(row, Number(row.files))
  }

  facts(more: boolean, localReadAt: number | null): MediaFacts {
    const [most] = [...this.failures].sort(([, a], [, b]) => b - a)
    const failed = [...this.failures.values()].reduce((sum, count) => sum + count, 0)
    return { ...this.sums, more, failed, failure: most?.[0] ?? null, localReadAt, links: this.links.facts() }
  }

  private addRow({ state, failure_code, bytes, since, overdue, delete_after }: StateRow, files: number): void {
    const { sums } = this
    sums.files += files
    if (failure_code !== null) this.failures.set(failure_code, (this.failures.get(failure_code) ?? 0) + files)
    if (state === 'seen' || state === 'hashed' || state === 'uploading') sums.waiting += files
    if (state === 'uploading') {
      sums.uploading += files
      sums.uploadingSince = Math.min(sums.uploadingSince ?? Number.POSITIVE_INFINITY, Number(since))
    }
    if (state === 'switched' || state === 'grace') {
      sums.doubled += files
      sums.doubledBytes += Number(bytes)
    }
    if (state === 'grace' && Number(overdue) > 0) {
      sums.overdue += Number(overdue)
      sums.overdueSince = Math.min(sums.overdueSince ?? Number.POSITIVE_INFINITY, Number(delete_after))
    }
  }
}

async function localReadAt({ kysely }: Catalog): Promise<number | null> {
  const row = await kysely
    .selectFrom('media_reads')
    .where('disk', '=', 'local')
    .where('reads', '>', 0)
    .select(eb => eb.fn.max('last_at').as('last'))
    .executeTakeFirst()
  return row?.last == null ? null : Number(row.last)
}
