import type { Catalog } from '../tenants/catalog.js'

export interface DiskReads {
  readonly reads: number
  /** Epoch ms; null before the first. */
  readonly lastAt: number | null
}

/** The counted reads of media by the disk that answered: over all tenants, or over these. */
export async function readsOf(
  catalog: Catalog,
  tenants: ReadonlySet<number> | null = null,
): Promise<Readonly<Record<'local' | 'wasabi', DiskReads>>> {
  const rows = await catalog.kysely.selectFrom('media_reads').select(['tenant_id', 'disk', 'reads', 'last_at']).execute()
  const of = (disk: 'local' | 'wasabi'): DiskReads => {
    const sum: { reads: number; lastAt: number | null } = { reads: 0, lastAt: null }
    for (const row of rows) {
      if (row.disk !== disk || (tenants !== null && !tenants.has(row.tenant_id))) continue
      sum.reads += Number(row.reads)
      sum.lastAt = Math.max(sum.lastAt ?? 0, Number(row.last_at))
    }
    return sum
  }
  return { local: of('local'), wasabi: of('wasabi') }
}
