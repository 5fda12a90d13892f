import type { Catalog } from '../catalog.js'
import { type Migration, TENANT_MIGRATIONS } from '../databases/index.js'
import type { TenantSlug } from '../ids.js'
import { type DriftReport, findDrift } from './drift.js'
import { type Migratable, placementsAmong, placementsAt, placementsNamed } from './placements.js'
import { readStanding, type Standing } from './standing.js'

export interface CheckWish {
  /** Null for all. */
  readonly slugs: readonly TenantSlug[] | null
  /** Compare the schemas of those that are up to date with the expected one; null does not. `sample`: of so many, by chance; null of all. */
  readonly drift: { readonly sample: number | null; readonly prefix: string } | null
  readonly signal: AbortSignal
  readonly progress?: (checked: number, total: number, drifted: number) => void
  readonly migrations?: readonly Migration[]
}

export interface CheckReport extends Standing {
  /** Null when it was not asked for. */
  readonly drift: DriftReport | null
}

/**
 * Whether databases of tenants have the schema of this feedctl, by the catalog and, with `drift`, in truth. Changes nothing of a tenant's. With `drift` the
 * caller holds the lock. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE, UNAVAILABLE; the signal's reason
 */
export async function checkTenants(catalog: Catalog, wish: CheckWish): Promise<CheckReport> {
  const { slugs, drift, signal, progress, migrations = TENANT_MIGRATIONS } = wish
  const latest = migrations.at(-1)?.version ?? 0
  const ids = slugs === null ? null : await placementsNamed(catalog, slugs)
  const standing = await readStanding(catalog, latest, ids)
  if (drift === null) return { ...standing, drift: null }
  const all = ids === null ? placementsAt(catalog, latest) : placementsAmong(catalog, latest, ids)
  const total = Math.min(standing.databases.current, drift.sample ?? Number.POSITIVE_INFINITY)
  const report = await findDrift(catalog, drift.sample === null ? all : sampled(all, drift.sample), {
    prefix: drift.prefix,
    migrations,
    signal,
    ...(progress === undefined ? {} : { progress: (checked, drifted) => progress(checked, total, drifted) }),
  })
  return { ...standing, drift: report }
}

/** Each with the same chance, in one pass (reservoir sampling). */
async function* sampled(all: AsyncIterable<Migratable>, most: number): AsyncGenerator<Migratable> {
  const kept: Migratable[] = []
  let seen = 0
  for await (const placement of all) {
    const place = seen < most ? seen : Math.floor(Math.random() * (seen + 1))
    if (place < most) kept[place] = placement
    seen++
  }
  yield* kept
}
