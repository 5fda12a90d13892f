import type { MediaState } from '../tenants/databases/index.js'
import type { TenantId } from '../tenants/ids.js'
import type { Disks, Stat } from './disks/driver.js'
import { type MediaName, mediaKey } from './names.js'
import { MEDIA_STATES } from './states.js'

const VERIFIED = MEDIA_STATES.indexOf('verified')

/** Where a file can be read. */
export type Copy = { readonly disk: 'local'; readonly stat: Stat } | { readonly disk: 'wasabi' }

/** Whether a row in this state has a local copy, as far as the row knows. */
export function isLocal(state: MediaState): boolean {
  return state !== 'deleted'
}

/** Whether the bucket has the file, and its copy was looked at: what is only uploaded is not trusted. */
function isTrusted(state: MediaState): boolean {
  return MEDIA_STATES.indexOf(state) >= VERIFIED
}

/**
 * The copy that answers a read: the local one for as long as it is there, then the bucket's. The local disk is asked, since a copy may be gone though the
 * row has it; the bucket is not. Null when there is neither. @throws {Failure} UNAVAILABLE
 */
export async function findCopy(
  disks: Pick<Disks, 'local' | 'wasabi'>,
  tenant: TenantId,
  file: { readonly name: MediaName; readonly state: MediaState },
  signal: AbortSignal,
): Promise<Copy | null> {
  const stat = isLocal(file.state) ? await disks.local.stat(mediaKey(tenant, file.name), signal) : null
  if (stat !== null) return { disk: 'local', stat }
  return disks.wasabi !== null && isTrusted(file.state) ? { disk: 'wasabi' } : null
}
