import type { FailedJob, QueueDesk, WorkerCard } from '../../queues/index.js'
import type { Catalog } from '../../tenants/catalog.js'
import type { Overview } from '../../watch/overview.js'
import type { Reading } from './look.js'

/** What the screen looks at. */
export interface Watched {
  overview(): Promise<Overview>
  /** Null where jobs run in the command that begins them. */
  readonly desk: QueueDesk | null
  readonly names: TenantNames
}

const MOST_FAILED = 200
const MOST_NAMES = 500

/** Slugs of tenants by id, each asked for once: they never change. */
export class TenantNames {
  private readonly known = new Map<number, string>()

  constructor(private readonly catalog: Catalog) {}

  /** Those that exist. @throws {Failure} UNAVAILABLE */
  async of(ids: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const missing = [...new Set(ids)].filter(id => !this.known.has(id)).slice(0, MOST_NAMES)
    if (missing.length > 0) {
      const rows = await this.catalog.kysely.selectFrom('tenants').select(['id', 'slug']).where('id', 'in', missing).execute()
      for (const { id, slug } of rows) this.known.set(id, slug)
    }
    return this.known
  }
}

/** Everything as it is now. `withFailed`: the newest failed jobs too. @throws {Failure} UNAVAILABLE */
export async function read({ overview, desk, names }: Watched, withFailed: boolean): Promise<Reading> {
  const [now, failed] = await Promise.all([overview(), withFailed ? newestFailed(desk) : null])
  const slugs = await names.of(tenantIds(now.workers, failed ?? []))
  return { overview: now, failed, slugs }
}

async function newestFailed(desk: QueueDesk | null): Promise<FailedJob[]> {
  const newest: FailedJob[] = []
  if (desk === null) return newest
  for await (const job of desk.failed()) {
    newest.push(job)
    if (newest.length === MOST_FAILED) break
  }
  return newest
}

function tenantIds(workers: readonly WorkerCard[], failed: readonly FailedJob[]): number[] {
  return [...workers.flatMap(({ jobs }) => jobs), ...failed].map(({ tenantId }) => tenantId).filter(id => id !== null)
}
