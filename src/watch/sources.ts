import { sql } from 'kysely'
import type { Catalog } from '../tenants/catalog.js'
import type { SourceStanding } from './overview.js'

/** How the sources do: one sum over all their rows, dear where there are many. */
export async function readSources(catalog: Catalog, now: number): Promise<SourceStanding> {
  const rows = await catalog.kysely
    .selectFrom('sources')
    .select(eb => [
      'failure_code as code',
      eb.fn.countAll<number>().as('sources'),
      sql<number>`sum(case when retired_at is null and next_check_at <= ${now} and coalesce(quiet_until, 0) <= ${now} then 1 else 0 end)`.as(
        'due',
      ),
      sql<number>`sum(case when retired_at is null then 0 else 1 end)`.as('retired'),
    ])
    .where('merged_into', 'is', null)
    .groupBy('failure_code')
    .execute()
  const sum = (of: (row: (typeof rows)[number]) => unknown) => rows.reduce((total, row) => total + Number(of(row)), 0)
  const failures = rows
    .flatMap(row => (row.code === null ? [] : [{ code: row.code, sources: Number(row.sources) - Number(row.retired) }]))
    .filter(failure => failure.sources > 0)
    .sort((a, b) => b.sources - a.sources || a.code.localeCompare(b.code))
  return {
    readAt: now,
    total: sum(row => row.sources),
    failing: failures.reduce((total, failure) => total + failure.sources, 0),
    due: sum(row => row.due),
    retired: sum(row => row.retired),
    failures,
  }
}
