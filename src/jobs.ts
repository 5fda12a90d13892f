import { z } from 'zod'
import { syncTenantJob } from './feeds/sync.js'
import type { SyncParts } from './feeds/sync-tenant.js'
import { Failure } from './kernel/errors.js'
import type { JobHandler, JobRequest } from './queues/index.js'
import type { Catalog } from './tenants/catalog.js'
import { parseTenantId, type TenantId } from './tenants/ids.js'

/** What jobs need of a running feedctl. */
export interface JobParts {
  readonly catalog: Catalog
  /** Opened by the first job. */
  readonly sync: () => Promise<SyncParts>
}

const SYNC_PAYLOAD = z.object({ tenantId: z.number().int().positive() })

/** Every job there is: its name, and the capability that does it with a checked payload. */
const JOBS: Readonly<Record<string, (parts: JobParts) => JobHandler>> = {
  SyncTenantFeeds: parts => async (_name, payload, context) => {
    const { tenantId } = SYNC_PAYLOAD.parse(payload)
    await syncTenantJob(parts.catalog, parts.sync, parseTenantId(tenantId), context)
  },
}

/** Runs any of the jobs. @throws {Failure} UNKNOWN_JOB for a name that a later version gave */
export function jobHandler(parts: JobParts): JobHandler {
  return async (name, payload, context) => {
    const job = JOBS[name]
    if (job === undefined) throw new Failure('UNKNOWN_JOB', `this feedctl knows no job ${name}`, { hint: 'upgrade the workers' })
    await job(parts)(name, payload, context)
  }
}

export function syncTenantFeeds(tenantId: TenantId): JobRequest {
  return { name: 'SyncTenantFeeds', payload: { tenantId }, dedupeId: `tenant:${tenantId}` }
}
