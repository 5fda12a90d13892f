import { createHash } from 'node:crypto'
import { Failure, isFailure } from '../kernel/errors.js'
import { retry } from '../kernel/retry.js'
import type { Disk } from './disks/driver.js'
import type { MediaKey } from './names.js'

const TRIES = { tries: 5, firstMs: 500, maxMs: 8_000 }

/** All bytes came, and they are not the ones that the journal tells of. */
export class OtherContent extends Failure {
  constructor(found: string, known: string | null) {
    super('MEDIA_CORRUPT', `its content has the SHA-256 ${found}, not ${known}`)
  }
}

/**
 * Runs a deed that reads an object again when the disk could not, or its answer was cut: that says nothing of the object. The disk's own retries
 * end where the answer begins.
 */
export function rereading<T>(deed: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const worthRetrying = (error: unknown) =>
    isFailure(error, 'UNAVAILABLE') || (isFailure(error, 'MEDIA_CORRUPT') && !(error instanceof OtherContent))
  return retry(deed, { ...TRIES, signal, worthRetrying })
}

/** SHA-256 of the object's bytes, hex; null when there is no such object. @throws {Failure} as `Disk.read` and its stream do */
export async function contentHash(disk: Disk, key: MediaKey, signal: AbortSignal): Promise<string | null> {
  const reading = await disk.read(key, null, signal)
  if (reading === null) return null
  const hash = createHash('sha256')
  for await (const chunk of reading.stream as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex')
}
