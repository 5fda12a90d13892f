import type { App } from '../../app.js'
import type { SyncReport } from '../../feeds/report.js'
import { type JobSender, syncTenants } from '../../feeds/sync.js'
import { tenantContent } from '../../tenants/content.js'
import type { TenantId } from '../../tenants/ids.js'
import { listTenants, type Tenant } from '../../tenants/tenant.js'
import type { RemoteFeedServer } from '../feed-server/spawn.js'
import { TENANTS } from './cast.js'
import type { DemoPlan, DemoSource } from './plan.js'
import type { DemoAudience } from './steps.js'

/** What the scenes of a demo play with. */
export interface Stage {
  readonly plan: DemoPlan
  readonly server: RemoteFeedServer
  readonly app: App
  readonly jobs: JobSender
  readonly signal: AbortSignal
  readonly audience: DemoAudience
}

/** What knows where sources are. */
export interface Directory {
  readonly server: Pick<RemoteFeedServer, 'urlOf' | 'faultUrl'>
}

export function urlOf({ server }: Directory, { at }: DemoSource): string {
  return typeof at === 'number' ? server.urlOf(at) : server.faultUrl(at)
}

/** `feedctl sync`, followed to its end. @throws the signal's reason when it was stopped on the way */
export async function sync(stage: Stage, tenants: readonly TenantId[] | 'all', forced: boolean): Promise<SyncReport> {
  const progress = (done: number, total: number) => stage.audience.moves(done, total)
  const report = await syncTenants(
    stage.app.catalog,
    stage.jobs,
    { tenants, forced, signal: stage.signal, progress },
    stage.app.log,
  )
  stage.signal.throwIfAborted()
  return report
}

/** The tenants of the cast, in the order of the cast. */
export async function loadTenants({ app }: Pick<Stage, 'app'>): Promise<Tenant[]> {
  const { tenants } = await listTenants(app.catalog, { limit: TENANTS.length })
  const bySlug = new Map(tenants.map(tenant => [tenant.slug, tenant]))
  return TENANTS.flatMap(({ slug }) => bySlug.get(slug) ?? [])
}

/** Posts in the databases of all tenants. */
export async function countPosts(stage: Pick<Stage, 'app'>): Promise<number> {
  let posts = 0
  for (const tenant of await loadTenants(stage)) posts += (await tenantContent(stage.app.catalog, tenant)).posts
  return posts
}
