import { isFailure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import type { MediaState } from '../tenants/databases/index.js'
import { type TenantTables, withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { LinkCount, type LinkSums } from './link-sums.js'
import { readsOf } from './reads-of.js'
import { MEDIA_STATES } from './states.js'

export interface StateSums {
  files: number
  bytes: number
}

export interface MediaStanding {
  readonly tenants: number
  /** Of these, those whose tables could not be read: they are in no other sum. */
  readonly failures: readonly { readonly tenant: string; readonly code: string; readonly message: string }[]
  readonly states: Readonly<Record<MediaState, StateSums>>
  /** Rows whose last attempt failed. */
  readonly failed: number
  readonly links: LinkSums
  /** Local copies that the bucket has as well. */
  readonly removable: StateSums
  /** Of these, those whose grace is over. */
  readonly due: StateSums
  /** By the disk that answered; `quietMs`: since the last one, null before the first. */
  readonly reads: Readonly<
    Record<'local' | 'wasabi', { readonly reads: number; readonly lastAt: number | null; readonly quietMs: number | null }>
  >
}

/** Where the media of all these tenants stand. */
export async function mediaStanding(
  catalog: Catalog,
  tenants: AsyncIterable<Tenant> | Iterable<Tenant>,
  now: number,
): Promise<MediaStanding> {
  const states = Object.fromEntries(MEDIA_STATES.map(state => [state, { files: 0, bytes: 0 }])) as Record<MediaState, StateSums>
  const due = { files: 0, bytes: 0 }
  const links = new LinkCount()
  let [count, failed] = [0, 0]
  const failures: { tenant: string; code: string; message: string }[] = []
  for await (const tenant of tenants) {
    count++
    const read = async (tables: TenantTables) => {
      await links.add(tables)
      return fileSums(tables, now)
    }
    const rows = await withTenant(catalog, tenant, read).catch(error => {
      if (!isFailure(error)) throw error
      failures.push({ tenant: tenant.slug, code: error.code, message: error.message })
      return []
    })
    for (const row of rows) {
      add(states[row.state], row)
      failed += Number(row.failed)
      if (Number(row.due) === 1) add(due, row)
    }
  }
  const removable = { files: 0, bytes: 0 }
  for (const state of ['verified', 'switched', 'grace'] as const) add(removable, states[state])
  const reads = await readsOf(catalog)
  const quiet = ({ lastAt, reads: sum }: (typeof reads)['local']) => ({
    reads: sum,
    lastAt,
    quietMs: lastAt === null ? null : now - lastAt,
  })
  return {
    tenants: count,
    failures,
    states,
    failed,
    links: links.sums(),
    removable,
    due,
    reads: { local: quiet(reads.local), wasabi: quiet(reads.wasabi) },
  }
}

function fileSums(tables: TenantTables, now: number) {
  return tables
    .media()
    .select(eb => {
      const isDue = eb.case().when('delete_after', '<=', now).then(1).else(0).end()
      return [
        'state',
        isDue.as('due'),
        eb.fn.countAll<number>().as('files'),
        eb.fn.sum<number>('bytes').as('bytes'),
        eb.fn.count<number>('failure_code').as('failed'),
      ]
    })
    .groupBy(['state', 'due'])
    .execute()
}

function add(sums: StateSums, { files, bytes }: { readonly files: number; readonly bytes: number | null }): void {
  sums.files += Number(files)
  sums.bytes += Number(bytes ?? 0)
}
