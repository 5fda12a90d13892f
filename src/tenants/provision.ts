import { Crew } from '../kernel/crew.js'
import { Failure, isFailure } from '../kernel/errors.js'
import { newHolder } from '../kernel/holder.js'
import type { Catalog } from './catalog.js'
import { type ClaimedTenant, claimTenants, type NewTenant } from './claim.js'
import type { TenantSchema } from './databases/index.js'
import { activate, letGo } from './end-claim.js'
import type { TenantSlug } from './ids.js'
import { madeAtOnce, makeReady } from './make-ready.js'
import { clearClaimed, type Furnish, type Making, makeAndFurnish, makeTables, makingOf, prepare } from './making.js'
import { admit } from './residents.js'
import { settle } from './settle.js'
import { takeSpare } from './spares/take.js'
import { getTenant, type Tenant } from './tenant.js'
import { newToken, tokenHash } from './tokens.js'

/** Tenants that are written to the catalog together, opened together, and between which a stop takes hold. */
const SHARED_AT_ONCE = 1_000
const MADE_AT_ONCE = 100
const MOST_FAILURES = 1_000

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
    await bulk.stopped()
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
    const ready: Making[] = []
    let left = claimed.length
    if (left === 0) return this.open([], holder, chunk.length)
    const crew = await this.crewFor(claimed)
    const bySlug = new Map<string, Wanted>(chunk.map(tenant => [tenant.slug, tenant]))
    for (const one of claimed.map(makingOf)) {
      await crew.do(async () => {
        if (await this.make(one, bySlug.get(one.tenant.slug) as Wanted, holder)) ready.push(one)
        if (--left === 0) await this.open(await this.settled(ready, holder), holder, chunk.length)
      })
    }
  }

  async end(): Promise<void> {
    await this.crew?.end()
  }

  async stopped(): Promise<void> {
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

  /** All of it; of a new tenant without furniture the tables only, which is settled with others. */
  private make(one: Making, wanted: Wanted, holder: string): Promise<boolean> {
    const { furnish } = this.options
    return this.trying(one, holder, async () => {
      if (furnish === undefined && one.tenant.isNew) return makeTables(this.catalog, one, true)
      await makeAndFurnish(this.catalog, one, holder, async tenant => furnish?.(tenant, wanted))
    })
  }

  /** Those that are settled, the new ones all at once; where that fails, each by itself. */
  private async settled(ready: readonly Making[], holder: string): Promise<ClaimedTenant[]> {
    const isSettled = ({ tenant }: Making) => this.options.furnish !== undefined || !tenant.isNew
    const settled = ready.filter(isSettled).map(({ tenant }) => tenant)
    const unsettled = ready.filter(one => !isSettled(one))
    const tenants = unsettled.map(({ tenant }) => tenant)
    try {
      await settle(this.catalog, tenants)
      return [...settled, ...tenants]
    } catch (error) {
      if (!isFailure(error)) throw error
    }
    for (const one of unsettled) {
      if (await this.trying(one, holder, () => settle(this.catalog, [one.tenant]))) settled.push(one.tenant)
    }
    return settled
  }

  /** Whether it went well; what is refused is told, and what was made is undone. */
  private async trying(one: Making, holder: string, deed: () => Promise<void>): Promise<boolean> {
    try {
      await deed()
      return true
    } catch (error) {
      await letGo(this.catalog, one.tenant, holder, one, error)
      if (!isFailure(error)) throw error
      this.fail(one.tenant.slug, error)
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
  private isCleared(tenant: ClaimedTenant, holder: string): Promise<boolean> {
    return this.trying({ tenant, made: false, undo: false }, holder, () => clearClaimed(this.catalog, tenant, holder))
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

async function existsFailure(catalog: Catalog, slug: TenantSlug): Promise<Failure> {
  const tenant = await getTenant(catalog, slug)
  const what = tenant.state === 'provisioning' ? 'is being created by another process' : `exists (${tenant.state})`
  return new Failure('TENANT_EXISTS', `tenant ${slug} ${what}`, { hint: `feedctl tenant show ${slug}` })
}
