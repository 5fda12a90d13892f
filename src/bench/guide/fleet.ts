import { sql } from 'kysely'
import { type App, openApp } from '../../app.js'
import { enqueueRun } from '../../feeds/sync.js'
import { Log } from '../../kernel/log.js'
import type { Catalog } from '../../tenants/catalog.js'
import type { TenantSlug } from '../../tenants/ids.js'
import { listTenants } from '../../tenants/tenant.js'
import { newToken, tokenHash } from '../../tenants/tokens.js'
import { choosePlace } from '../api/bench.js'
import { LoadProcess } from '../api/load-process.js'
import { Service } from '../api/service.js'
import { makeTenants } from '../tenants/deeds.js'
import { type Attempt, attempt } from './attempt.js'
import { askEach } from './fleet-answers.js'
import { type PlannedTenant, plannedTenants, samplesOf } from './fleet-plan.js'
import { furnishSample, wrongAnswer } from './fleet-samples.js'
import type { GuideParts } from './parts.js'

const PAGE = 1_000

/** So many tenants, all of them there. */
export interface FleetLook {
  /** Tenants that are listed as active where they should live, and were answered by the API with their own posts, or with none where they have none. */
  readonly answered: number
  /** From the first statement of `sync --all` until each tenant's job was in the queue, ms. */
  readonly enqueueMs: number
  /** Why not all of them are; null when they are. */
  readonly shortfall: string | null
  /** Why the time of the queue does not count; empty when it does. */
  readonly faults: readonly string[]
}

/**
 * Makes the tenants of each size after another, in one place; lists all of them, lets the API answer each of them, and enqueues their syncs.
 * @param sizes in growing order @throws {Failure} UNAVAILABLE; the signal's reason
 */
export async function measureFleet(parts: GuideParts, sizes: readonly number[]): Promise<Attempt<FleetLook>[]> {
  const { watcher, signal } = parts
  await using place = await choosePlace(parts)
  await place.prepare()
  await using app = await openApp(place.config, new Log(line => watcher.note(line), 'error'))
  await using service = await Service.start(place, 1, signal)
  await using generator = LoadProcess.start(signal)
  const fleet = new Fleet(app, service, generator, parts)
  const looks: Attempt<FleetLook>[] = []
  for (const size of sizes) looks.push(await attempt(() => fleet.growTo(size), signal, parts.onBug))
  return looks
}

class Fleet {
  private readonly planned: PlannedTenant[] = []
  private readonly tokens = new Map<TenantSlug, string>()
  private readonly samples = new Set<TenantSlug>()

  constructor(
    private readonly app: App,
    private readonly service: Service,
    private readonly generator: LoadProcess,
    private readonly parts: GuideParts,
  ) {}

  async growTo(size: number): Promise<FleetLook> {
    this.parts.watcher.note(`${size} tenants`)
    const added = plannedTenants(this.planned.length, size)
    await this.make(added)
    for (const { slug } of samplesOf(added)) {
      await furnishSample(this.app.catalog, slug)
      this.samples.add(slug)
    }
    const listed = await this.listed()
    const { enqueueMs, faults } = await enqueueAll(this.app, size)
    const answers = await this.answers()
    const missing = listed < size ? [`${size - listed} of ${size} tenants are not listed where they should live`] : []
    const complaints = [...missing, ...answers.complaints]
    return {
      answered: Math.min(listed, answers.right),
      enqueueMs,
      shortfall: complaints.length === 0 ? null : complaints.join('; '),
      faults,
    }
  }

  private async make(added: readonly PlannedTenant[]): Promise<void> {
    const { catalog, config } = this.app
    const { watcher, signal } = this.parts
    const progress = watcher.progress('create', 'tenants')
    progress.start(added.length)
    try {
      await makeTenants(catalog, config.databasePrefix, added, { signal, progress: done => progress.update(done) })
      await giveTokens(catalog, added, this.tokens)
      this.planned.push(...added)
    } finally {
      progress.stop()
    }
  }

  /** How many of those that were made are on the pages of `tenant list`, once, active, and placed as planned. */
  private async listed(): Promise<number> {
    const wanted = new Map<string, string>(this.planned.map(({ slug, placement }) => [slug, placement]))
    let [found, after] = [0, null as TenantSlug | null]
    do {
      const page = await listTenants(this.app.catalog, { limit: PAGE, ...(after === null ? {} : { after }) })
      for (const { slug, state, placement } of page.tenants) {
        if (state === 'active' && wanted.get(slug) === placement.kind) found++
        wanted.delete(slug)
      }
      after = page.next
    } while (after !== null)
    return found
  }

  private async answers(): Promise<{ right: number; complaints: string[] }> {
    const { target } = this.service
    const complaints = new Set<string>()
    let right = 0
    for (const slug of this.samples) {
      const wrong = await wrongAnswer(target, slug, this.tokens.get(slug) ?? '')
      if (wrong === null) right++
      else complaints.add(wrong)
    }
    const others = this.planned.filter(({ slug }) => !this.samples.has(slug)).map(({ slug }) => this.tokens.get(slug) ?? '')
    const progress = this.parts.watcher.progress('ask', 'tenants')
    progress.start(others.length)
    try {
      const asked = await askEach(target, this.generator, others, done => progress.update(done))
      for (const complaint of asked.complaints) complaints.add(complaint)
      return { right: right + asked.right, complaints: [...complaints] }
    } finally {
      progress.stop()
    }
  }
}

/** Tokens of all of them in few statements: each by itself would be a commit of its own. */
async function giveTokens(catalog: Catalog, added: readonly PlannedTenant[], tokens: Map<TenantSlug, string>): Promise<void> {
  for (let from = 0; from < added.length; from += PAGE) {
    const some = added.slice(from, from + PAGE).map(({ slug }) => ({ slug, token: newToken() }))
    const cases = some.map(({ slug, token }) => sql`when ${slug} then ${tokenHash(token)}`)
    await catalog.kysely
      .updateTable('tenants')
      .set({ token_hash: sql<string>`case slug ${sql.join(cases, sql` `)} end` })
      .where(
        'slug',
        'in',
        some.map(({ slug }) => slug),
      )
      .execute()
    for (const { slug, token } of some) tokens.set(slug, token)
  }
}

/** As `sync --all --detach` does; where this process runs the jobs, they are begun, and those that have not begun are given up when all are in the queue. */
async function enqueueAll(app: App, size: number): Promise<{ enqueueMs: number; faults: string[] }> {
  const stop = new AbortController()
  const jobs = await app.jobs(stop.signal)
  const begun = performance.now()
  const { added, existing } = await enqueueRun(app.catalog, jobs, 'all', false)
  const enqueueMs = performance.now() - begun
  stop.abort()
  if (jobs.here) await jobs.settled()
  const jobsThere = added + existing
  return { enqueueMs, faults: jobsThere === size ? [] : [`${jobsThere} of ${size} jobs are in the queue`] }
}
