import { Crew } from '../kernel/crew.js'
import { Failure } from '../kernel/errors.js'
import { newHolder } from '../kernel/holder.js'
import type { Catalog } from './catalog.js'
import { type ClaimedTenant, claimTenants, type NewTenant } from './claim.js'
import type { TenantSchema } from './databases/index.js'
import { dropStrangeDbUser } from './db-users.js'
import { activate, letGo } from './end-claim.js'
import type { TenantSlug } from './ids.js'
import { madeAtOnce, makeReady, takenFailure } from './make-ready.js'
import { removeStrays } from './removal/strays.js'
import { admit } from './residents.js'
import { takeSpare } from './spares/take.js'
import { getTenant, type Tenant } from './tenant.js'
import { newToken, tokenHash } from './tokens.js'
import { KeptClaim } from './transfer/claim.js'
import { clearRows } from './transfer/clear.js'

/** Tenants that are written to the catalog together, opened together, and between which a stop takes hold. */
const SHARED_AT_ONCE = 1_000
const MADE_AT_ONCE = 100
const MOST_FAILURES = 1_000

/** Work on a tenant whose tables are ready, before anyone can see it; done again when a killed creation is finished. What takes long keeps the claim. */
export type Furnish<T> = (tenant: Tenant, claim: KeptClaim) => Promise<T>

export interface BulkReport {
  readonly tenants: { readonly total: number; readonly created: number; readonly existing: number; readonly failed: number }
  /** The first thousand: `tenants.failed` counts them all. */
  readonly failures: readonly { readonly slug: TenantSlug; readonly code: string; readonly message: string }[]
}

export interface BulkOptions<Wanted extends NewTenant> {
  readonly furnish?: (tenant: Tenant, wanted: Wanted) => Promise<unknown>
  readonly signal?: AbortSignal
  readonly progress?: (done: number) => void
}

/**
 * Creates a tenant: row, database (or one of the spare ones), schema, furniture, token, in that order; it is `active` only when all is done. Killed at any
 * point, it stays `provisioning` and the same call finishes it. Of several that race exactly one succeeds.
 * @throws {Failure} TENANT_EXISTS, DATABASE_TAKEN; the data that is there stays as it is
 */
export async function createTenant<T>(
  catalog: Catalog,
  prefix: string,
  wanted: NewTenant,
  furnish: Furnish<T>,
): Promise<{ tenant: Tenant; token: string; furnished: T }> {
  const holder = newHolder()
  const claimed = (await takeSpare(catalog, wanted, holder)) ?? (await claimTenants(catalog, prefix, [wanted], holder))[0]
  if (claimed === undefined) throw await existsFailure(catalog, wanted.slug)
  const token = newToken()
  const furnished = await prepare(catalog, claimed, holder, furnish)
  if ((await activate(catalog, [claimed], holder, tokenHash(token))) === 0) throw await existsFailure(catalog, wanted.slug)
  return { tenant: await getTenant(catalog, wanted.slug), token, furnished }
}

/**
 * Creates many tenants, without tokens, holding a few hundred of them in memory; one's failure does not stop the others. Those that exist are counted and left
 * alone. When the signal aborts, what was begun is ended and no more is begun; then its reason is thrown.
 */
export async function createTenants<Wanted extends NewTenant>(
  catalog: Catalog,
  prefix: string,
  wanted: Iterable<Wanted> | AsyncIterable<Wanted>,
  options: BulkOptions<Wanted>,
): Promise<BulkReport> {
  const bulk = new Bulk(catalog, prefix, options)
  try {
    for await (const chunk of chunksOf(wanted, options.furnish === undefined)) {
      options.signal?.throwIfAborted()
      await bulk.begin(chunk)
    }
    await bulk.end()
  } finally {
    await bulk.settled()
  }
  return bulk.report()
}

/** Pieces of one kind of placement; those that need nothing but rows come in large ones. */
async function* chunksOf<Wanted extends NewTenant>(
  wanted: Iterable<Wanted> | AsyncIterable<Wanted>,
  isBare: boolean,
): AsyncGenerator<readonly Wanted[]> {
  let chunk: Wanted[] = []
  for await (const tenant of wanted) {
    const { placement } = chunk[0] ?? tenant
    const most = placement === 'shared' && isBare ? SHARED_AT_ONCE : MADE_AT_ONCE
    if (chunk.length === most || tenant.placement !== placement) {
      yield chunk
      chunk = []
    }
    chunk.push(tenant)
  }
  if (chunk.length > 0) yield chunk
}

/** Many tenants under way. */
class Bulk<Wanted extends NewTenant> {
  private total = 0
  private done = 0
  private created = 0
  private failed = 0
  private readonly failures: BulkReport['failures'][number][] = []
  private crew: Crew | null = null

  constructor(
    private readonly catalog: Catalog,
    private readonly prefix: string,
    private readonly options: BulkOptions<Wanted>,
  ) {}

  /** Returns when all of the chunk is begun, and there is room for more. */
  async begin(chunk: readonly Wanted[]): Promise<void> {
    this.total += chunk.length
    const holder = newHolder()
    const known = new Set<string>()
    const claimed = await claimTenants(this.catalog, this.prefix, chunk, holder, (slug, failure) => {
      known.add(slug)
      this.fail(slug, failure)
    })
    for (const { slug } of claimed) known.add(slug)
    await this.countUnfinished(chunk, known)
    if (chunk[0]?.placement === 'shared' && this.options.furnish === undefined) {
      return this.open(await this.makeShared(claimed, holder), holder, chunk.length)
    }
    const ready: ClaimedTenant[] = []
    let left = claimed.length
    if (left === 0) return this.open([], holder, chunk.length)
    const crew = await this.crewFor(claimed)
    const bySlug = new Map<string, Wanted>(chunk.map(tenant => [tenant.slug, tenant]))
    for (const tenant of claimed) {
      await crew.do(async () => {
        if (await this.make(tenant, bySlug.get(tenant.slug) as Wanted, holder)) ready.push(tenant)
        if (--left === 0) await this.open(ready, holder, chunk.length)
      })
    }
  }

  async end(): Promise<void> {
    await this.crew?.end()
  }

  async settled(): Promise<void> {
    await this.crew?.settled()
  }

  report(): BulkReport {
    const existing = this.total - this.created - this.failed
    return { tenants: { total: this.total, created: this.created, existing, failed: this.failed }, failures: this.failures }
  }

  /** As many at once as the host of the first has connections for. */
  private async crewFor([first]: readonly ClaimedTenant[]): Promise<Crew> {
    this.crew ??= new Crew(await madeAtOnce(this.catalog, first?.host ?? 'default'))
    return this.crew
  }

  private async make(tenant: ClaimedTenant, wanted: Wanted, holder: string): Promise<boolean> {
    const { furnish } = this.options
    try {
      await prepare(this.catalog, tenant, holder, furnish === undefined ? null : made => furnish(made, wanted))
      return true
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      this.fail(tenant.slug, error)
      return false
    }
  }

  /** Tenants that need nothing but rows: those of one database are let in together. */
  private async makeShared(claimed: readonly ClaimedTenant[], holder: string): Promise<ClaimedTenant[]> {
    const ready: ClaimedTenant[] = []
    for (const placementId of new Set(claimed.map(tenant => tenant.placementId))) {
      const group = claimed.filter(tenant => tenant.placementId === placementId)
      const [first] = group as [ClaimedTenant, ...ClaimedTenant[]]
      try {
        await makeReady(this.catalog, first)
        const server = await this.catalog.hosts.serverOf(first.host)
        await server.use<TenantSchema, void>(first.database, database =>
          admit(
            database,
            group.map(tenant => tenant.id),
          ),
        )
        for (const tenant of group) if (tenant.isNew || (await this.isCleared(tenant, holder))) ready.push(tenant)
      } catch (error) {
        for (const tenant of group) await letGo(this.catalog, tenant, holder, { undo: tenant.isNew, made: false }, error)
        if (!(error instanceof Failure)) throw error
        for (const tenant of group) this.fail(tenant.slug, error)
      }
    }
    return ready
  }

  /** What was left off may have been something else than a bare tenant. */
  private async isCleared(tenant: ClaimedTenant, holder: string): Promise<boolean> {
    try {
      await clearClaimed(this.catalog, tenant, holder)
      return true
    } catch (error) {
      await letGo(this.catalog, tenant, holder, { undo: false, made: false }, error)
      if (!(error instanceof Failure)) throw error
      this.fail(tenant.slug, error)
      return false
    }
  }

  private async open(ready: readonly ClaimedTenant[], holder: string, ended: number): Promise<void> {
    this.created += await activate(this.catalog, ready, holder, null)
    this.done += ended
    this.options.progress?.(this.done)
  }

  /** Those of the chunk that another process is still creating: they do not exist yet, and may never. */
  private async countUnfinished(chunk: readonly NewTenant[], known: ReadonlySet<string>): Promise<void> {
    const others = chunk.map(tenant => tenant.slug).filter(slug => !known.has(slug))
    if (others.length === 0) return
    const rows = await this.catalog.kysely
      .selectFrom('tenants')
      .select('slug')
      .where('slug', 'in', others)
      .where('state', '=', 'provisioning')
      .execute()
    for (const { slug } of rows) {
      this.fail(slug as TenantSlug, new Failure('TENANT_EXISTS', 'is being created by another process'))
    }
  }

  private fail(slug: TenantSlug, { code, message }: Failure): void {
    this.failed++
    if (this.failures.length < MOST_FAILURES) this.failures.push({ slug, code, message })
  }
}

/** Makes the database ready and furnishes it; when that is refused, undoes what it made. */
async function prepare<T>(catalog: Catalog, tenant: ClaimedTenant, holder: string, furnish: Furnish<T>): Promise<T>
async function prepare<T>(catalog: Catalog, tenant: ClaimedTenant, holder: string, furnish: Furnish<T> | null): Promise<T | null>
async function prepare<T>(
  catalog: Catalog,
  tenant: ClaimedTenant,
  holder: string,
  furnish: Furnish<T> | null,
): Promise<T | null> {
  let made = tenant.wasSpare
  let undo = tenant.isNew
  try {
    if (tenant.isCrowded) throw takenFailure(tenant)
    if (tenant.dbUser !== null) await dropStrangeDbUser(catalog, tenant.id, tenant)
    await makeReady(catalog, tenant, isNew => {
      made = isNew
    })
    // One that was left over may be full.
    if (tenant.kind === 'dedicated' && !made) await removeStrays(catalog, tenant)
    const server = await catalog.hosts.serverOf(tenant.host)
    await server.use<TenantSchema, void>(tenant.database, database => admit(database, [tenant.id]))
    if (!tenant.isNew) {
      await clearClaimed(catalog, tenant, holder)
      // As empty as a new one, and as much its own.
      made = true
      undo = true
    }
    if (furnish === null) return null
    return await furnish(await getTenant(catalog, tenant.slug), new KeptClaim(catalog, tenant.id, holder))
  } catch (error) {
    await letGo(catalog, tenant, holder, { undo, made }, error)
    throw error
  }
}

/** Of a creation that was left off: it may have been half an import, say. */
async function clearClaimed(catalog: Catalog, { id, slug }: ClaimedTenant, holder: string): Promise<void> {
  await clearRows(catalog, await getTenant(catalog, slug), new KeptClaim(catalog, id, holder))
}

async function existsFailure(catalog: Catalog, slug: TenantSlug): Promise<Failure> {
  const tenant = await getTenant(catalog, slug)
  const what = tenant.state === 'provisioning' ? 'is being created by another process' : `exists (${tenant.state})`
  return new Failure('TENANT_EXISTS', `tenant ${slug} ${what}`, { hint: `feedctl tenant show ${slug}` })
}
