import { Failure, isFailure } from '../../kernel/errors.js'
import type { TenantId } from '../../tenants/ids.js'
import type { BucketRow } from '../bucket-rows.js'
import { contentHash, OtherContent, rereading } from '../content-hash.js'
import type { Bucket, LocalDisk } from '../disks/driver.js'
import { type MediaKey, mediaKey } from '../names.js'
import { localFile } from './local-copy.js'
import { objectSource } from './object-source.js'

/** `earlier`: by a rollback before this one, which was stopped. `kept`: the local copy was there and right; `replaced`: it was damaged, or never whole. */
export type Restoring = 'restored' | 'replaced' | 'kept' | 'earlier'

export interface Restored {
  readonly how: Restoring
  /** Of the local file, as it is now. */
  readonly identity: string
}

export interface BothDisks {
  readonly tenantId: TenantId
  readonly local: LocalDisk
  readonly bucket: Bucket
}

/**
 * Reads the whole object once, and leaves the local disk with the file as the journal has it.
 * @throws {Failure} MEDIA_CORRUPT, MEDIA_NOT_FOUND where the object is not the journal's, MEDIA_CHANGED where the local file is not, MEDIA_NAME_INVALID,
 * DISK_FULL, UNAVAILABLE: the local file is as before
 */
export async function restore(disks: BothDisks, row: BucketRow, signal: AbortSignal): Promise<Restored> {
  const { local, bucket, tenantId } = disks
  const key = mediaKey(tenantId, row.name)
  const before = localFile(local, key)
  if (before !== null && wasRestored(row, before.identity)) return { how: 'earlier', identity: before.identity }
  if (before !== null && before.bytes === row.bytes && (await isRight(local, key, row, signal))) {
    await rereading(() => checkObject(bucket, key, row, signal), signal)
    if (localFile(local, key)?.identity === before.identity) return { how: 'kept', identity: before.identity }
  }
  if (before !== null && isAnother(row, before.identity)) throw new AnotherFile()
  const { type, md5, sha256 } = row
  if (md5 === null || sha256 === null) throw new Failure('MEDIA_CORRUPT', 'the journal has no hashes of it')
  const facts = { type: type ?? 'application/octet-stream', md5, sha256 }
  const stillAsBefore = () => {
    if (localFile(local, key)?.identity !== before?.identity) throw new AnotherFile()
  }
  await rereading(() => local.put(key, objectSource(bucket, key, row, signal, stillAsBefore), facts, signal), signal)
  const after = localFile(local, key)
  if (after === null) throw new Failure('MEDIA_CHANGED', 'the local file went away as soon as it was restored')
  return { how: before === null ? 'restored' : 'replaced', identity: after.identity }
}

/** Somebody has put it there since the journal last saw the file: its content may be nowhere else. */
export class AnotherFile extends Failure {
  constructor() {
    super('MEDIA_CHANGED', 'the local disk has another file under its name, which stays', {
      hint: 'feedctl media migrate-to-wasabi takes it for the newer one; or move it away',
    })
  }
}

/** Whether a local file is neither the one that was migrated nor one that a rollback has made. */
export function isAnother(row: Pick<BucketRow, 'identity'>, identity: string): boolean {
  return row.identity !== identity
}

/** A row without a local copy knows the identity of one when a rollback has just made it; and, with the end of its grace, when pruning was killed. */
function wasRestored(row: Pick<BucketRow, 'state' | 'identity' | 'delete_after'>, identity: string): boolean {
  return row.state === 'deleted' && row.identity === identity && row.delete_after === null
}

async function isRight(local: LocalDisk, key: MediaKey, row: BucketRow, signal: AbortSignal): Promise<boolean> {
  try {
    return (await contentHash(local, key, signal)) === row.sha256
  } catch (error) {
    // What cannot be read is replaced.
    if (isFailure(error) && !signal.aborted) return false
    throw error
  }
}

async function checkObject(bucket: Bucket, key: MediaKey, row: BucketRow, signal: AbortSignal): Promise<void> {
  const sha256 = await contentHash(bucket, key, signal)
  if (sha256 === null) throw new Failure('MEDIA_NOT_FOUND', 'the bucket has no such object')
  if (sha256 !== row.sha256) throw new OtherContent(sha256, row.sha256)
}
