import type { ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import { MemoryCache } from '../../../src/caches/index.js'
import { SourceChecks } from '../../../src/feeds/checks.js'
import { SharedDocuments } from '../../../src/feeds/documents.js'
import type { FetcherOptions } from '../../../src/feeds/fetch/fetcher.js'
import { ParsePool } from '../../../src/feeds/parse/pool.js'
import { type SyncReport, sumReports } from '../../../src/feeds/report.js'
import { type Run, runReports, startRun } from '../../../src/feeds/runs.js'
import { addFeeds } from '../../../src/feeds/subscriptions.js'
import { syncTenantJob } from '../../../src/feeds/sync-job.js'
import type { SyncParts } from '../../../src/feeds/sync-tenant.js'
import { parseFeedUrl } from '../../../src/feeds/urls.js'
import { randomToken } from '../../../src/kernel/hash.js'
import { Log } from '../../../src/kernel/log.js'
import { withTenant } from '../../../src/tenants/tables.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { type Publisher, startPublisher } from '../../e2e/publisher.js'
import type { TestEnv } from '../../support/drivers.js'
import { type Installation, openInstallation, tenantIn } from '../../tenants/installation.js'
import { openFetcher } from '../fetch/fetchers.js'

export type Answer = (path: string, response: ServerResponse) => void

export interface JobOptions {
  readonly chunk?: number
  readonly last?: boolean
  readonly signal?: AbortSignal
  readonly token?: string
  readonly parts?: Promise<SyncParts>
}

/** Two posts under guids of the path, asked for again after half an hour. */
export const twoPosts: Answer = (path, response) => {
  const items = [1, 2].map(n => `<item><guid>${path}-${n}</guid><title>Post ${n}</title></item>`).join('')
  response.setHeader('content-type', 'application/rss+xml')
  response.end(`<rss version="2.0"><channel><title>${path}</title>${items}</channel></rss>`)
}

let slugs = 0

/** Tenants, a publisher, and what jobs need to sync the one from the other. All ends with the test. */
export class SyncGround {
  /** How often a job asked to be run again. */
  again = 0
  readonly logged: string[] = []
  readonly log = new Log(line => this.logged.push(line))

  private constructor(
    readonly here: Installation,
    readonly publisher: Publisher,
    readonly parts: SyncParts,
    private readonly change: (answer: Answer) => void,
  ) {}

  static async open(env: TestEnv, fetching: Partial<FetcherOptions> = {}): Promise<SyncGround> {
    const here = await openInstallation(env)
    let answer: Answer = twoPosts
    const publisher = await startPublisher((path, response) => answer(path, response))
    onTestFinished(() => publisher[Symbol.asyncDispose]())
    const change = (next: Answer) => {
      answer = next
    }
    return new SyncGround(here, publisher, openParts(here, fetching), change)
  }

  get catalog() {
    return this.here.catalog
  }

  set answers(answer: Answer) {
    this.change(answer)
  }

  /** A tenant with so many feeds of its own, or these. */
  async tenant(feeds: number | readonly string[]): Promise<Tenant> {
    const tenant = await tenantIn(this.here, `s${++slugs}`, 'shared')
    const paths = typeof feeds === 'number' ? Array.from({ length: feeds }, (_, n) => `/${tenant.slug}/${n}`) : feeds
    await this.subscribe(tenant, paths)
    return tenant
  }

  async subscribe(tenant: Tenant, paths: readonly string[]): Promise<void> {
    await addFeeds(
      this.catalog,
      tenant,
      paths.map(path => ({ url: parseFeedUrl(this.publisher.urlOf(path)), title: null })),
    )
  }

  run(tenants: readonly Tenant[], options: Parameters<typeof startRun>[2] = {}): Promise<Run> {
    return startRun(
      this.catalog,
      tenants.map(tenant => tenant.id),
      options,
    )
  }

  /** One job of the tenant. */
  job(tenant: Tenant, options: JobOptions = {}): Promise<void> {
    const { chunk = 100, last = false, signal = new AbortController().signal, token = randomToken() } = options
    const parts = {
      catalog: this.catalog,
      log: this.log,
      sync: () => options.parts ?? Promise.resolve(this.parts),
      chunk,
      intake: null,
      again: async () => {
        this.again++
      },
    }
    return syncTenantJob(parts, tenant.id, { token, last, signal })
  }

  /** Jobs of the tenant until none asks for another one; answers how many there were. */
  async jobs(tenant: Tenant, options: JobOptions = {}): Promise<number> {
    for (let done = 1; ; done++) {
      const before = this.again
      await this.job(tenant, options)
      if (this.again === before) return done
    }
  }

  report({ runId }: Run): Promise<SyncReport> {
    return sumReports(runId, runReports(this.catalog, runId), { durationMs: 0, unreached: 'skipped' })
  }

  async part({ runId }: Pick<Run, 'runId'>, tenant: Tenant) {
    return this.catalog.kysely
      .selectFrom('run_tenants')
      .selectAll()
      .where('run_id', '=', runId)
      .where('tenant_id', '=', tenant.id)
      .executeTakeFirstOrThrow()
  }

  standing(tenant: Tenant) {
    return this.catalog.kysely.selectFrom('tenants').selectAll().where('id', '=', tenant.id).executeTakeFirstOrThrow()
  }

  posts(tenant: Tenant): Promise<{ feed_id: number }[]> {
    return withTenant(this.catalog, tenant, tables => tables.posts().select('feed_id').execute())
  }

  /** Sources that somebody has leased. */
  async leased(): Promise<number> {
    const rows = await this.catalog.kysely.selectFrom('sources').select('id').where('lease_token', 'is not', null).execute()
    return rows.length
  }
}

/** The same as `openApp` makes, for a test. */
export function openParts({ catalog }: Installation, fetching: Partial<FetcherOptions> = {}): SyncParts {
  const log = new Log(() => {})
  const parser = new ParsePool({ threads: 1 })
  onTestFinished(() => parser.close())
  const documents = new SharedDocuments(new MemoryCache(1_000_000), 60, log)
  const parts = { catalog, fetcher: openFetcher(fetching), parser, documents, log, outagePatienceMs: 0 }
  return { ...parts, checks: new SourceChecks(parts) }
}
