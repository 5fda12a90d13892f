import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { steady } from '../../kernel/clock.js'
import { isFailure, wordsOf } from '../../kernel/errors.js'
import { randomToken } from '../../kernel/hash.js'
import type { TenantId } from '../../tenants/ids.js'
import type { ProbeResult } from '../cost.js'
import type { Bucket } from '../disks/driver.js'
import { type MediaKey, type MediaName, mediaKey } from '../names.js'
import { type FileReader, HOLD_BYTES } from './file-reader.js'
import type { LocalFile } from './local-files.js'
import { heldSource } from './sources.js'

const SMALL_BYTES = 64 * 1024
const MOST_FILES = 12
const AT_ONCE = 4
const REMOVAL_MS = 10_000

/** Files of a tenant to try with. */
export interface Samples {
  readonly tenant: TenantId
  readonly files: readonly LocalFile[]
}

interface ProbeParts {
  readonly bucket: Bucket
  readonly folder: string
  readonly reader: FileReader
}

/**
 * Uploads a few files, of large ones the beginning, under keys of its own, measures, and removes them: begins nothing more after `withinMs`,
 * which count from when the bucket has answered once and the reader's threads have started.
 * @throws {Failure} those of the bucket
 */
export async function probe(
  parts: ProbeParts,
  samples: Samples,
  withinMs: number,
  signal: AbortSignal,
): Promise<{ readonly small: ProbeResult; readonly large: ProbeResult | null }> {
  await warmUp(parts, samples.tenant, signal)
  const end = steady() + withinMs
  const keys: MediaKey[] = []
  const measured = { small: { requests: 0, bytes: 0, busyMs: 0 }, large: { requests: 0, bytes: 0, busyMs: 0 } }
  const upload = async (file: LocalFile) => {
    const path = `${parts.folder}/${samples.tenant}/${file.name}`
    const read = file.bytes > HOLD_BYTES ? await beginningOf(path) : await parts.reader.read(path, file.bytes)
    if ('fault' in read || read.content === null || steady() > end) return
    const key = keyOf(samples.tenant)
    keys.push(key)
    const begun = steady()
    await parts.bucket.put(key, heldSource(read.content), { ...read, type: 'application/octet-stream' }, signal)
    const sum = measured[read.bytes <= SMALL_BYTES ? 'small' : 'large']
    sum.requests++
    sum.bytes += read.bytes
    sum.busyMs += steady() - begun
  }
  try {
    const queue = chosen(samples.files)
    const line = async () => {
      for (let file = queue.shift(); file !== undefined && steady() < end; file = queue.shift()) await upload(file)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, line))
  } finally {
    // Who stops it is not left with them.
    await parts.bucket.remove(keys, AbortSignal.timeout(REMOVAL_MS)).catch(error => {
      if (!isFailure(error)) throw error
    })
  }
  const { small, large } = measured
  if (small.requests === 0) return { small: large, large: null }
  return { small, large: large.requests === 0 ? null : large }
}

/** Loading the client, connecting and starting threads is no part of an upload's time. */
async function warmUp({ bucket, folder, reader }: ProbeParts, tenant: TenantId, signal: AbortSignal): Promise<void> {
  // A folder is refused by a thread, which has to be there for that.
  const reading = Array.from({ length: AT_ONCE }, () => reader.read(folder, 0))
  await Promise.all([bucket.stat(keyOf(tenant), signal), ...reading])
}

/** No file has such a name: the inventory passes it over. */
function keyOf(tenant: TenantId): MediaKey {
  return mediaKey(tenant, `.feedctl-probe/${randomToken()}` as MediaName)
}

/** Of a file that is too large to be held. */
async function beginningOf(path: string) {
  const content = Buffer.alloc(HOLD_BYTES)
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const { bytesRead: bytes } = await file.read(content, 0, HOLD_BYTES, 0)
      const read = content.subarray(0, bytes)
      return { bytes, content: read, md5: hash('md5', read), sha256: hash('sha256', read) }
    } finally {
      await file.close()
    }
  } catch (error) {
    return { fault: 'unreadable', words: wordsOf(error) } as const
  }
}

/** Small ones and larger ones. */
function chosen(files: readonly LocalFile[]): LocalFile[] {
  const small = files.filter(({ bytes }) => bytes <= SMALL_BYTES).slice(0, MOST_FILES)
  const large = files.filter(({ bytes }) => bytes > SMALL_BYTES).slice(0, MOST_FILES / 2)
  return [...small, ...large]
}
