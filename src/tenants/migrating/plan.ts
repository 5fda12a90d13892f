import type { Catalog } from '../catalog.js'
import { type Migration, TENANT_MIGRATIONS } from '../databases/index.js'
import type { TenantSlug } from '../ids.js'
import { behindAmong, canariesOf, placementsNamed } from './placements.js'
import { readStanding, type Standing } from './standing.js'

const SHOWN_OF_STATEMENT = 100

export interface MigrationPlan extends Standing {
  readonly dryRun: true
  /** What is tried first. */
  readonly canaries: readonly { readonly host: string; readonly database: string; readonly tenant: string | null }[]
  /** Versions that some database lacks, and what each does; of a long statement its beginning. */
  readonly steps: readonly { readonly version: number; readonly statements: readonly string[] }[]
}

/** What `tenant migrate` would do. Changes nothing. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE, UNAVAILABLE */
export async function planMigration(
  catalog: Catalog,
  slugs: readonly TenantSlug[] | null,
  canary: number,
  migrations: readonly Migration[] = TENANT_MIGRATIONS,
): Promise<MigrationPlan> {
  const latest = migrations.at(-1)?.version ?? 0
  const ids = slugs === null ? null : await placementsNamed(catalog, slugs)
  const standing = await readStanding(catalog, latest, ids)
  const first =
    ids === null ? await canariesOf(catalog, latest, canary) : (await behindAmong(catalog, latest, ids)).slice(0, canary)
  const lowest = Math.min(latest, ...standing.versions.map(({ version }) => version))
  return {
    dryRun: true,
    ...standing,
    canaries: first.map(({ host, database, tenant }) => ({ host, database, tenant })),
    steps: migrations
      .filter(({ version }) => version > lowest)
      .map(migration => ({ version: migration.version, statements: migration[catalog.server.dialect].map(beginningOf) })),
  }
}

function beginningOf(statement: string): string {
  const line = statement.replaceAll(/\s+/g, ' ')
  return line.length > SHOWN_OF_STATEMENT ? `${line.slice(0, SHOWN_OF_STATEMENT - 3)}...` : line
}
