import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Gates, MemoryCache, MemoryGates, MemoryPermits } from '../../../src/caches/index.js'
import type { DocumentPost } from '../../../src/feeds/document.js'
import { loadConfig } from '../../../src/kernel/config.js'
import { Log } from '../../../src/kernel/log.js'
import { openDisks } from '../../../src/media/disks/index.js'
import { beginIntake } from '../../../src/media/intake/begin.js'
import type { IntakeParts } from '../../../src/media/intake/parts.js'
import { storeTenantMedia } from '../../../src/media/intake/store-media.js'
import { mediaPolicyOf } from '../../../src/media/policy.js'
import { openIntakeParts } from '../../../src/parts.js'
import { findTenant, type Tenant } from '../../../src/tenants/tenant.js'
import { type Publisher, startPublisher } from '../../e2e/publisher.js'
import { post, TenantFeeds } from '../../feeds/sync/tenant-feeds.js'
import type { TestEnv } from '../../support/drivers.js'
import { type Installation, openInstallation, tenantIn } from '../../tenants/installation.js'

export type Answer = (response: ServerResponse) => unknown

let slugs = 0

/** Tenants whose posts name what a publisher of the test's own serves. */
export class IntakeGround {
  /** Jobs that asked for another one. */
  again = 0
  readonly lines: string[] = []

  private constructor(
    readonly here: Installation,
    readonly parts: IntakeParts,
    readonly publisher: Publisher,
    /** What is served, by path; 404 for everything else. */
    readonly served: Map<string, Buffer | Answer>,
    /** Shared by all that asks the publisher. */
    readonly gates: Gates,
  ) {}

  /** All ends with the test. */
  static async open(env: TestEnv, own: TestEnv = {}): Promise<IntakeGround> {
    const settings = { FEEDCTL_FETCH_ALLOW: '127.0.0.1', ...env, ...own }
    const here = await openInstallation(settings)
    const served = new Map<string, Buffer | Answer>()
    const publisher = await startPublisher((path, response) => {
      const answer = served.get(path)
      if (answer === undefined) response.writeHead(404).end()
      else if (Buffer.isBuffer(answer)) response.end(answer)
      else answer(response)
    })
    onTestFinished(() => publisher[Symbol.asyncDispose]())
    const { config } = loadConfig({ env: settings, envFile: '/nonexistent/.env', envFileNamed: false })
    const log = new Log(() => {})
    const disks = await openDisks(config)
    const cache = new MemoryCache(1024 * 1024)
    const shared = { cache, far: null, gates: new MemoryGates(), permits: new MemoryPermits() }
    const parts = await openIntakeParts({ config, log, catalog: here.catalog }, shared, disks, close =>
      onTestFinished(close as () => Promise<void>),
    )
    onTestFinished(async () => void (await Promise.all([disks.local.close(), disks.wasabi?.close()])))
    return new IntakeGround(here, parts, publisher, served, shared.gates)
  }

  /** A tenant whose intake has begun. */
  async tenant(placement: 'dedicated' | 'shared' = 'shared'): Promise<TenantFeeds> {
    const tenant = await tenantIn(this.here, `m${++slugs}`, placement)
    const feeds = await TenantFeeds.of(this.here.catalog, tenant)
    await this.begin(tenant)
    return feeds
  }

  begin(tenant: Tenant): Promise<boolean> {
    return beginIntake(this.here.catalog, tenant, mediaPolicyOf(this.parts.settings, tenant))
  }

  url(path: string): string {
    return this.publisher.urlOf(path)
  }

  /** A post with these pictures in its content. */
  post(guid: string, pictures: readonly string[], own: Partial<DocumentPost> = {}): DocumentPost {
    return post(guid, {
      content: pictures.map(path => `<img src="${path.includes('://') ? path : this.url(path)}" />`).join(' '),
      ...own,
    })
  }

  /** One job, with what it is told. */
  job({ tenant }: Pick<TenantFeeds, 'tenant'>, signal = new AbortController().signal, parts = this.parts): Promise<void> {
    const again = async () => void this.again++
    return storeTenantMedia(parts, tenant.id, { signal, again })
  }

  /** Jobs until none asks for another one. */
  async jobs(feeds: Pick<TenantFeeds, 'tenant'>): Promise<void> {
    for (let before = -1; before < this.again; ) {
      before = this.again
      await this.job(feeds)
    }
  }

  links(feeds: TenantFeeds) {
    return feeds.on(tables => tables.mediaLinks().selectAll().orderBy('post_id').orderBy('url').execute())
  }

  files(feeds: TenantFeeds) {
    return feeds.on(tables => tables.media().selectAll().orderBy('id').execute())
  }

  /** `path: state` of every link, or its code. */
  async outcomes(feeds: TenantFeeds): Promise<string[]> {
    const links = await this.links(feeds)
    return links.map(link => `${link.url.replace(this.publisher.origin, '')} ${link.failure_code ?? link.state}`).sort()
  }

  /** What has failed and is tried again is due now. */
  async makeDue(feeds: TenantFeeds): Promise<void> {
    await feeds.on(tables =>
      tables.transaction(tx => tx.updateMediaLinks().set({ next_at: 1 }).where('next_at', 'is not', null).execute()),
    )
  }

  /** The tenant as it is now. */
  async tenantNow({ tenant }: TenantFeeds): Promise<Tenant> {
    const now = await findTenant(this.here.catalog, tenant.id)
    if (now === null) throw new Error(`${tenant.slug} is gone`)
    return now
  }

  local(feeds: TenantFeeds, name: string): Promise<Buffer> {
    return readFile(join(this.parts.disks.local.folder, String(feeds.tenant.id), name))
  }
}
