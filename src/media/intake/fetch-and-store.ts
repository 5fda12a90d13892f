import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, isFailure } from '../../kernel/errors.js'
import type { TenantTables } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import { identityOf } from '../identity.js'
import { contentName, hashName, type MediaKey, mediaKey } from '../names.js'
import { type MediaPolicy, wantsType } from '../policy.js'
import { mediaCodeOf } from './failure-codes.js'
import type { IntakeParts } from './parts.js'
import type { NewMedia, Tried } from './settle.js'
import type { SniffedType } from './sniff.js'
import { Spool } from './spool.js'

/** A tenant whose media is being stored. */
export interface Taker {
  readonly parts: IntakeParts
  readonly tenant: Tenant
  readonly policy: MediaPolicy
  readonly signal: AbortSignal
  /** Runs the deed on the tenant's tables. */
  readonly onTables: <T>(deed: (tables: TenantTables) => Promise<T>) => Promise<T>
}

/**
 * Fetches a URL and stores what it brings, unless the tenant has the same bytes already. What publishers do is an outcome.
 * @throws {Failure} those of the disks; the signal's reason
 */
export async function fetchAndStore(taker: Taker, url: string): Promise<Tried> {
  const { parts, policy, signal } = taker
  const { mediaMaxBytes: maxBytes } = policy
  await using spool = new Spool({ folder: parts.spoolFolder, judge: type => judged(type, policy) })
  const downloaded = await parts.download(url, spool, { maxBytes }, signal)
  if (spool.fault !== null) throw spool.fault
  if (downloaded.kind === 'postponed') return downloaded
  if (downloaded.kind === 'failed') return refusedOrFailed(downloaded, maxBytes)
  if (spool.bytes === 0) return { kind: 'failed', code: 'MEDIA_EMPTY', message: 'the answer has no body', retryAfterS: null }
  try {
    return await store(taker, spool, await spool.type())
  } catch (error) {
    if (isFailure(error, 'MEDIA_REFUSED')) return { kind: 'refused', code: error.code, message: error.message }
    throw error
  }
}

async function store({ parts, tenant, signal, onTables }: Taker, spool: Spool, { type, extension }: SniffedType): Promise<Tried> {
  const { sha256, md5 } = spool.digests()
  const name = contentName(sha256, extension)
  const nameHash = hashName(name)
  const known = await onTables(tables =>
    tables.media().select(['id', 'unlinked_at']).where('name_hash', '=', nameHash).executeTakeFirst(),
  )
  // Of one that no post names, a prune that was killed may have removed the bytes already.
  if (known?.unlinked_at === null) return { kind: 'stored', mediaId: known.id }
  const { target } = parts.disks
  const key = mediaKey(tenant.id, name)
  const { etag } = await target.put(key, spool.source(), { type, md5, sha256 }, signal)
  const isLocal = target.name === 'local'
  const media: NewMedia = {
    name,
    name_hash: nameHash,
    state: isLocal ? 'hashed' : 'deleted',
    bytes: spool.bytes,
    sha256,
    md5,
    type,
    identity: isLocal ? await identityAt(parts, key) : null,
    etag,
  }
  return { kind: 'put', key, media }
}

/** Null when somebody has removed it already: it is hashed again by who needs to know. */
async function identityAt({ disks }: IntakeParts, key: MediaKey): Promise<string | null> {
  const stat = await lstat(join(disks.local.folder, key), { bigint: true }).catch(() => null)
  return stat === null ? null : identityOf(stat)
}

function judged(type: SniffedType | null, policy: MediaPolicy): SniffedType {
  if (type === null) throw new Failure('MEDIA_REFUSED', 'its bytes are of no known type')
  if (!wantsType(policy, type.type)) throw new Failure('MEDIA_REFUSED', `it is ${type.type}, which the policy does not want`)
  return type
}

function refusedOrFailed(
  { failure: { code, message }, retryAfterS }: { failure: { code: string; message: string }; retryAfterS: number | null },
  maxBytes: number,
): Tried {
  if (code === 'FEED_TOO_LARGE') return { kind: 'refused', code: 'MEDIA_REFUSED', message: `it is larger than ${maxBytes} bytes` }
  if (code === 'MEDIA_REFUSED') return { kind: 'refused', code, message }
  return { kind: 'failed', code: mediaCodeOf(code), message, retryAfterS }
}
