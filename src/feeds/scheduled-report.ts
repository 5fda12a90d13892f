import type { Catalog } from '../tenants/catalog.js'
import { type SyncReport, sumReports } from './report.js'
import { runReports } from './runs.js'

/** What the runs came to that have begun by themselves since then (epoch ms), as one; null when none has. A tenant that has not ended counts as `unreached` says. */
export async function sumScheduled(catalog: Catalog, since: number, unreached: 'failed' | 'skipped'): Promise<SyncReport | null> {
  const runs = await catalog.kysely
    .selectFrom('runs')
    .select('id')
    .where('scheduled', '=', 1)
    .where('started_at', '>=', since)
    .orderBy('started_at')
    .execute()
  const [first] = runs
  if (first === undefined) return null
  async function* reports() {
    for (const { id } of runs) yield* runReports(catalog, id)
  }
  return sumReports(first.id, reports(), { durationMs: Date.now() - since, unreached })
}
