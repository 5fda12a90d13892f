import type { App } from '../../app.js'
import { enqueueRun } from '../../feeds/sync.js'
import { Failure } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import type { NewTenant } from '../../tenants/claim.js'
import { tenantContent } from '../../tenants/content.js'
import { parseSlug, type TenantSlug } from '../../tenants/ids.js'
import { migrateTenants } from '../../tenants/migrating/migrate.js'
import { openMoveViews } from '../../tenants/moving/listing.js'
import { createTenant, createTenants } from '../../tenants/provision.js'
import { refuseFailed } from '../../tenants/spares/failures.js'
import { dropSpares, keepSpares } from '../../tenants/spares/keep.js'
import { getTenant, listTenants } from '../../tenants/tenant.js'
import { dropBare, makeBare, recordDdl } from './bare.js'
import { TURN } from './load.js'

const LOOKS = 11

/** Milliseconds of all turns of each kind, and of each. */
export interface Made {
  readonly bareMs: readonly number[]
  readonly tenantsMs: readonly number[]
  readonly count: number
}

/** Bare databases and tenants in turns, so that whatever else the machine does meets both. */
export async function makeInTurns(
  catalog: Catalog,
  prefix: string,
  count: number,
  { signal, progress }: { readonly signal: AbortSignal; readonly progress: (done: number) => void },
): Promise<Made> {
  const made = { bareMs: [] as number[], tenantsMs: [] as number[], count }
  const ddl = await recordDdl(catalog, prefix)
  try {
    for (let from = 0; from < count; from += TURN) {
      signal.throwIfAborted()
      const turn = { from, count: Math.min(TURN, count - from) }
      const bare = async () => void made.bareMs.push(await makeBare(catalog, prefix, ddl, turn))
      const tenants = async () =>
        void made.tenantsMs.push(await makeTenants(catalog, prefix, wanted('dedicated', turn), { signal }))
      // Neither is always the second.
      const order = (from / TURN) % 2 === 0 ? [bare, tenants] : [tenants, bare]
      for (const deed of order) await deed()
      progress(turn.from + turn.count)
    }
    return made
  } finally {
    await dropBare(catalog, prefix, count)
  }
}

/** How long it took, ms. @throws {Failure} PARTIAL when one of them failed */
export async function makeTenants(
  catalog: Catalog,
  prefix: string,
  tenants: Iterable<NewTenant>,
  options: { readonly signal: AbortSignal; readonly progress?: (done: number) => void },
): Promise<number> {
  const begun = performance.now()
  const { tenants: sums, failures } = await createTenants(catalog, prefix, tenants, options)
  if (sums.failed > 0) throw new Failure('PARTIAL', `${sums.failed} tenants could not be created: ${failures[0]?.message}`)
  return performance.now() - begun
}

export function* wanted(
  placement: NewTenant['placement'],
  { from, count }: { readonly from: number; readonly count: number },
): Generator<NewTenant> {
  for (let number = from; number < from + count; number++) {
    const slug = slugOf(placement, number)
    yield { slug, name: slug, placement }
  }
}

/** Each sign-up by itself, ms: those that make their database, and those that find one. */
export async function signUp(catalog: Catalog, prefix: string, count: number, signal: AbortSignal) {
  const alone = await signUps(catalog, prefix, 'without', count)
  refuseFailed((await keepSpares(catalog, prefix, count, { signal })).failures, 'made')
  const spare = await signUps(catalog, prefix, 'with', count)
  await dropSpares(catalog, { signal })
  return { alone, spare }
}

async function signUps(catalog: Catalog, prefix: string, name: string, count: number): Promise<number[]> {
  const times: number[] = []
  for (let number = 0; number < count; number++) {
    const slug = parseSlug(`${name}-${number}`)
    const begun = performance.now()
    await createTenant(catalog, prefix, { slug, name: slug, placement: 'dedicated' }, async () => null)
    times.push(performance.now() - begun)
  }
  return times
}

/** How long the first page, one in the middle and one tenant take to read, ms. */
export async function readTenants(catalog: Catalog, shared: number) {
  const middle = slugOf('shared', Math.floor(shared / 2))
  const times = { first: [] as number[], middle: [] as number[], show: [] as number[] }
  for (let look = 0; look < LOOKS; look++) {
    times.first.push(await timed(() => listTenants(catalog, { limit: 100 })))
    times.middle.push(await timed(() => listTenants(catalog, { limit: 100, after: middle })))
    times.show.push(await timed(() => showTenant(catalog, middle)))
  }
  return times
}

/** What `tenant show` asks. */
async function showTenant(catalog: Catalog, slug: TenantSlug): Promise<void> {
  const tenant = await getTenant(catalog, slug)
  await tenantContent(catalog, tenant)
  await openMoveViews(catalog, tenant.id)
}

/** What `tenant migrate --all` does where nothing is behind, several times, ms. @throws {Failure} PARTIAL where something was */
export async function migrateNothing(catalog: Catalog, signal: AbortSignal): Promise<number[]> {
  const times: number[] = []
  for (let look = 0; look < LOOKS; look++) {
    times.push(
      await timed(async () => {
        const { databases } = await migrateTenants(catalog, { which: 'all', options: {}, signal })
        if (databases.total === databases.upToDate) return
        throw new Failure('PARTIAL', `${databases.total - databases.upToDate} databases of new tenants were behind`)
      }),
    )
  }
  return times
}

async function timed(deed: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await deed()
  return performance.now() - begun
}

/** What `sync --all --detach` does: how long it took, ms, and how many jobs it added. */
export async function detach(app: App, signal: AbortSignal): Promise<{ ms: number; added: number }> {
  const jobs = await app.jobs(signal)
  const begun = performance.now()
  const { added } = await enqueueRun(app.catalog, jobs, 'all', false)
  return { ms: performance.now() - begun, added }
}

function slugOf(placement: NewTenant['placement'], number: number): TenantSlug {
  return parseSlug(`${placement.slice(0, 1)}${String(number).padStart(7, '0')}`)
}
