import { Crew } from '../kernel/crew.js'
import { codeOf, type Failure, type FailureCode, isFailure, wordsOf } from '../kernel/errors.js'
import { newHolder } from '../kernel/holder.js'
import type { Catalog } from './catalog.js'
import { type ClaimedTenant, claimTenants, type NewTenant } from './claim.js'
import { isHostAway, type TenantSchema } from './databases/index.js'
import { activate, beingCreated, letGo, missedBy, renewClaims } from './end-claim.js'
import type { TenantSlug } from './ids.js'
import { madeAtOnce, makeReady } from './make-ready.js'
import { clearClaimed, type Making, makeAndFurnish, makeTables, makingOf } from './making.js'
import { admit } from './residents.js'
import { settle } from './settle.js'
import type { Tenant } from './tenant.js'

const MOST_FAILURES = 1_000
/** A third of the time after which others take a creation up. */
const RENEW_AFTER_MS = 20_000

export interface BulkReport {
  readonly tenants: { readonly total: number; readonly created: number; readonly existing: number; readonly failed: number }
  /** The first thousand: `tenants.failed` counts them all. The code of what is none of feedctl's refusals is BUG. */
  readonly failures: readonly { readonly slug: TenantSlug; readonly code: FailureCode | 'BUG'; readonly message: string }[]
}

export interface BulkOptions<Wanted extends NewTenant> {
  readonly furnish?: (tenant: Tenant, wanted: Wanted) => Promise<unknown>
  readonly signal?: AbortSignal
  readonly progress?: (done: number) => void
  /** Hears what is none of feedctl's refusals: it fails one tenant, and the others go on. */
  readonly onBug?: (error: unknown) => void
}

/** Tenants that were claimed together. */
interface Chunk<Wanted> {
  readonly wanted: readonly Wanted[]
  readonly claimed: readonly ClaimedTenant[]
  readonly holder: string
  /** When its claims were last renewed. */
  renewedAt: number
  /** What hosts were refused for that did not answer for one of them. */
  readonly away: Map<string, Failure>
}

/** Many tenants under way. */
export class Bulk<Wanted extends NewTenant> {
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
  async begin(wanted: readonly Wanted[]): Promise<void> {
    this.total += wanted.length
    const holder = newHolder()
    const known = new Set<string>()
    const renewedAt = Date.now()
    const claimed = await claimTenants(this.catalog, this.prefix, wanted, holder, (slug, failure) => {
      known.add(slug)
      this.fail(slug, failure)
    })
    for (const { slug } of claimed) known.add(slug)
    await this.countUnfinished(wanted, known)
    const chunk = { wanted, claimed, holder, renewedAt, away: new Map<string, Failure>() }
    if (claimed.length === 0) return this.open([], chunk)
    if (wanted[0]?.placement === 'shared' && this.options.furnish === undefined) {
      return this.open(await this.makeShared(chunk), chunk)
    }
    await this.makeEach(chunk)
  }

  private async makeEach(chunk: Chunk<Wanted>): Promise<void> {
    const ready: Making[] = []
    let left = chunk.claimed.length
    const crew = await this.crewFor(chunk.claimed)
    const bySlug = new Map<string, Wanted>(chunk.wanted.map(tenant => [tenant.slug, tenant]))
    for (const one of chunk.claimed.map(makingOf)) {
      await crew.do(async () => {
        await this.keepClaims(chunk)
        if (await this.make(one, bySlug.get(one.tenant.slug) as Wanted, chunk)) ready.push(one)
        if (--left === 0) await this.open(await this.settled(ready, chunk), chunk)
      })
    }
  }

  /** Before others take for left off what takes long. */
  private async keepClaims(chunk: Chunk<Wanted>): Promise<void> {
    if (Date.now() - chunk.renewedAt < RENEW_AFTER_MS) return
    chunk.renewedAt = Date.now()
    await renewClaims(this.catalog, chunk.claimed, chunk.holder)
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

  /** A file is settled while it is open: no commit of others costs it anything. */
  private get settlesEach(): boolean {
    return this.catalog.server.dialect === 'sqlite'
  }

  /** All of it; of a new tenant without furniture the tables only, which is settled with others. */
  private make(one: Making, wanted: Wanted, chunk: Chunk<Wanted>): Promise<boolean> {
    const { furnish } = this.options
    const { tenant } = one
    if (furnish !== undefined || !tenant.isNew)
      return this.trying(
        one,
        chunk.holder,
        async () => void (await makeAndFurnish(this.catalog, one, chunk.holder, async made => furnish?.(made, wanted))),
      )
    return this.trying(one, chunk.holder, () =>
      this.unlessAway(chunk, tenant.host, async () => {
        await makeTables(this.catalog, one, true)
        if (this.settlesEach) await settle(this.catalog, [tenant])
      }),
    )
  }

  /** Those that are settled, the new ones all at once; where that fails, each by itself. One that is another's by now is among them, and not touched. */
  private async settled(ready: readonly Making[], chunk: Chunk<Wanted>): Promise<ClaimedTenant[]> {
    const { holder } = chunk
    const isSettled = ({ tenant }: Making) => this.settlesEach || this.options.furnish !== undefined || !tenant.isNew
    const settled = ready.filter(isSettled).map(({ tenant }) => tenant)
    const made = ready.filter(one => !isSettled(one))
    const held = await renewClaims(
      this.catalog,
      made.map(({ tenant }) => tenant),
      holder,
    )
    const unsettled = made.filter(({ tenant }) => held.has(tenant.id))
    settled.push(...made.flatMap(({ tenant }) => (held.has(tenant.id) ? [] : [tenant])))
    const tenants = unsettled.map(({ tenant }) => tenant)
    try {
      await settle(this.catalog, tenants)
      return [...settled, ...tenants]
    } catch (error) {
      // Whose fault it is comes out below; that of a bug, maybe nobody's.
      if (!isFailure(error)) this.options.onBug?.(error)
    }
    for (const one of unsettled) {
      const { tenant } = one
      const alone = () => this.unlessAway(chunk, tenant.host, () => settle(this.catalog, [tenant]))
      if (await this.trying(one, holder, alone)) settled.push(tenant)
    }
    return settled
  }

  /** Asks no host again that did not answer for another of them: each would wait as long. */
  private async unlessAway({ away }: Chunk<Wanted>, host: string, deed: () => Promise<void>): Promise<void> {
    const refusal = away.get(host)
    if (refusal !== undefined) throw refusal
    try {
      await deed()
    } catch (error) {
      if (isHostAway(error)) away.set(host, error)
      throw error
    }
  }

  /** Whether it went well; what is refused is told, and what was made is undone. */
  private async trying(one: Making, holder: string, deed: () => Promise<void>): Promise<boolean> {
    try {
      await deed()
      return true
    } catch (error) {
      await this.refused(one, holder, error)
      return false
    }
  }

  private async refused(one: Making, holder: string, error: unknown): Promise<void> {
    await letGo(this.catalog, one.tenant, holder, one, error)
    this.fail(one.tenant.slug, error)
  }

  /** Tenants that need nothing but rows: those of one database are let in together. */
  private async makeShared(chunk: Chunk<Wanted>): Promise<ClaimedTenant[]> {
    const { claimed, holder } = chunk
    const ready: ClaimedTenant[] = []
    for (const placementId of new Set(claimed.map(tenant => tenant.placementId))) {
      const group = claimed.filter(tenant => tenant.placementId === placementId)
      const [first] = group as [ClaimedTenant, ...ClaimedTenant[]]
      try {
        await makeReady(this.catalog, first)
        await this.keepClaims(chunk)
        const server = await this.catalog.hosts.serverOf(first.host)
        await server.use<TenantSchema, void>(first.database, database =>
          admit(
            database,
            group.map(tenant => tenant.id),
          ),
        )
        for (const tenant of group) if (tenant.isNew || (await this.isCleared(tenant, holder))) ready.push(tenant)
      } catch (error) {
        for (const tenant of group) await this.refused({ tenant, undo: tenant.isNew, made: false }, holder, error)
      }
    }
    return ready
  }

  /** What was left off may have been something else than a bare tenant. */
  private isCleared(tenant: ClaimedTenant, holder: string): Promise<boolean> {
    return this.trying({ tenant, made: false, undo: false }, holder, () => clearClaimed(this.catalog, tenant, holder))
  }

  private async open(ready: readonly ClaimedTenant[], { wanted, holder }: Chunk<Wanted>): Promise<void> {
    const opened = await activate(this.catalog, ready, holder, null)
    this.created += opened
    if (opened < ready.length) for (const [slug, failure] of await missedBy(this.catalog, ready)) this.fail(slug, failure)
    this.done += wanted.length
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
    for (const { slug } of rows) this.fail(slug as TenantSlug, beingCreated())
  }

  private fail(slug: TenantSlug, error: unknown): void {
    this.failed++
    const code = codeOf(error)
    if (code === 'BUG') this.options.onBug?.(error)
    if (this.failures.length < MOST_FAILURES) this.failures.push({ slug, code, message: wordsOf(error) })
  }
}
