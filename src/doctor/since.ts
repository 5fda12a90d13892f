import type { Catalog } from '../tenants/catalog.js'
import { insertRows } from '../tenants/databases/index.js'
import type { Finding, Verdict } from './check.js'

export interface Found extends Verdict {
  readonly id: string
}

/** Says of each since when its check has found this severity, and remembers those that changed. */
export async function datedBy(catalog: Catalog, found: readonly Found[], now: number): Promise<Finding[]> {
  const rows = await catalog.kysely.selectFrom('findings').selectAll().execute()
  const known = new Map(rows.map(row => [row.id, row]))
  const changed = found.filter(({ id, severity }) => known.get(id)?.severity !== severity)
  const columns = changed.map(({ id, severity }) => ({ id, severity, since: now }))
  await insertRows(catalog.database, 'findings', columns, 'keep')
  for (const { id, severity } of changed) {
    if (known.has(id)) await catalog.kysely.updateTable('findings').set({ severity, since: now }).where('id', '=', id).execute()
  }
  return found.map(each => {
    const before = known.get(each.id)
    return { ...each, since: new Date(before?.severity === each.severity ? before.since : now) }
  })
}
