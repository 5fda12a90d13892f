import type { Catalog } from '../../tenants/catalog.js'
import { insertRows, type TenantSchema } from '../../tenants/databases/index.js'
import { getTenant } from '../../tenants/tenant.js'
import { EventChoices } from '../analytics/event-choices.js'
import type { Caller } from '../api/population.js'
import type { Place } from '../sync/place.js'

const WRITERS = 8
const DAY_MS = 86_400_000

/** Rows per second when each event is written by itself, as it comes, by writers at once that each wait for their own. @throws the signal's reason */
export function measureSingleEvents(
  place: Place,
  callers: readonly Caller[],
  durationMs: number,
  signal: AbortSignal,
): Promise<number> {
  return place.withCatalog(async catalog => {
    const begun = performance.now()
    const written = await Promise.all(
      Array.from({ length: WRITERS }, (_, n) =>
        writeSingly(catalog, callers[n % callers.length] as Caller, n, begun + durationMs, signal),
      ),
    )
    return (written.reduce((sum, rows) => sum + rows, 0) * 1000) / (performance.now() - begun)
  })
}

async function writeSingly(
  catalog: Catalog,
  { slug }: Caller,
  writer: number,
  until: number,
  signal: AbortSignal,
): Promise<number> {
  const choices = new EventChoices(writer, 90, 1_000_000)
  const tenant = await getTenant(catalog, slug)
  const server = await catalog.hosts.serverOf(tenant.placement.host)
  let rows = 0
  for (; performance.now() < until; rows++) {
    signal.throwIfAborted()
    const at = Date.now()
    const own = { day: Math.floor(at / DAY_MS), id: rows * WRITERS + writer + 1, at }
    const told = { kind: choices.kind(), post_id: choices.post(), visitor: String(choices.visitor()), extra: null }
    const row = { tenant_id: tenant.id as number, ...own, ...told }
    // Past the fence: a statement by itself is what others write.
    await server.use<TenantSchema, void>(tenant.placement.database, database => insertRows(database, 'events', [row]))
  }
  return rows
}
