import { retry } from '../kernel/retry.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId } from '../tenants/ids.js'
import { findTenant } from '../tenants/tenant.js'
import { OUTAGE_PATIENCE } from './runs.js'
import { endAllFailed } from './tenant-part.js'

/** What became of tenants' jobs. `quarantined`: not added, because such jobs killed their workers. */
export interface SentTenants {
  readonly added: number
  readonly existing: number
  readonly quarantined: readonly TenantId[]
}

/** Adds the sync jobs of tenants. @throws {Failure} UNAVAILABLE, REDIS_FULL; some may have been added */
export type SendTenants = (tenants: readonly TenantId[]) => Promise<SentTenants>

/** Sends them; for those in quarantine nobody will work, and their parts end as failed. @throws {Failure} as `send`; UNAVAILABLE */
export async function sendTenants(catalog: Catalog, send: SendTenants, tenants: readonly TenantId[]): Promise<SentTenants> {
  const sent = await send(tenants)
  for (const id of sent.quarantined) {
    const slug = (await findTenant(catalog, id))?.slug ?? ''
    const message = `its job is in quarantine: feedctl queue failed --tenant ${slug}`
    await retry(() => endAllFailed(catalog, id, { code: 'JOB_QUARANTINED', message }), OUTAGE_PATIENCE)
  }
  return sent
}
