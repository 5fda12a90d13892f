import { Failure, type FailureCode } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { Applying, Migration } from '../databases/index.js'
import { upgradeDatabase } from '../upgrade.js'
import { notePlacementBegun, notePlacementEnded } from './ledger.js'
import { isThere, type Migratable } from './placements.js'

/** What became of a database. `gone`: its tenant was removed meanwhile. `interrupted`: what was done of it stays done, and the next run goes on. */
export interface Outcome {
  readonly kind: 'migrated' | 'failed' | 'gone' | 'interrupted'
  /** Null unless it failed. */
  readonly fault: { readonly code: FailureCode; readonly message: string } | null
  readonly ms: number
}

/** Migrates one database, and notes in the run's rows what became of it. @throws what is no refusal of its server; UNAVAILABLE where the catalog is away */
export async function migratePlacement(
  catalog: Catalog,
  runId: string,
  placement: Migratable,
  options: Applying & { readonly migrations: readonly Migration[]; readonly signal: AbortSignal },
): Promise<Outcome> {
  const begun = performance.now()
  await notePlacementBegun(catalog, runId, placement.id, placement.schemaVersion)
  const judged = await upgradeDatabase(catalog, placement, options).then(
    () => ({ kind: 'migrated', fault: null }) as const,
    error => judge(catalog, placement, error, options.signal),
  )
  const outcome = { ...judged, ms: Math.round(performance.now() - begun) }
  const counts = outcome.kind === 'migrated' || outcome.kind === 'failed'
  await notePlacementEnded(catalog, runId, placement.id, counts ? outcome : null)
  return outcome
}

async function judge(catalog: Catalog, placement: Migratable, error: unknown, signal: AbortSignal): Promise<Omit<Outcome, 'ms'>> {
  if (signal.aborted && error === signal.reason) return { kind: 'interrupted', fault: null }
  if (!(error instanceof Failure)) throw error
  if (!(await isThere(catalog, placement.id))) return { kind: 'gone', fault: null }
  return { kind: 'failed', fault: { code: error.code, message: error.message } }
}
