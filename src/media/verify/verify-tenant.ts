import { Crew } from '../../kernel/crew.js'
import { type FailureCode, isFailure } from '../../kernel/errors.js'
import { shortNumber } from '../../kernel/hash.js'
import { type BucketRow, isInBucket, rowsNamed } from '../bucket-rows.js'
import { contentHash, OtherContent, rereading } from '../content-hash.js'
import type { Stat } from '../disks/driver.js'
import { mediaKey } from '../names.js'
import { type JournalAndBucket, type Pair, pairs } from './pairs.js'

/** Objects of a tenant that are looked at or read at the same time. */
const AT_ONCE = 8
const NUMBERS = 2 ** 48

export interface VerifyOptions {
  /** Share of the objects that are read and hashed, from 0 to 1. */
  readonly share: number
  /** Which these are: the same ones for the same seed. */
  readonly seed: string
  /** Whether an etag that differs is a fault by itself: by another tool, or in other parts, the same bytes get another. Where objects are read, their hash decides. */
  readonly etags: 'decide' | 'ignored'
  readonly signal: AbortSignal
  readonly found: (fault: ObjectFault) => void
  /** Told of each row before its fault is, where the object itself was looked at. */
  readonly lost?: (row: BucketRow, fault: ObjectFault) => Promise<void>
  readonly progress: (objects: number) => void
}

/** An object that is not what the journal says. */
export interface ObjectFault {
  readonly kind: 'missing' | 'differing'
  readonly name: string
  readonly code: FailureCode
  readonly message: string
}

export interface ObjectTally {
  /** Rows whose object should be there; `ok`, `missing` and `differing` add up to it. */
  total: number
  ok: number
  missing: number
  differing: number
  /** Objects that no row knows. */
  unknown: number
  /** Objects that were read, and their bytes. */
  rehashed: number
  rehashedBytes: number
  /** Of all objects that should be there. */
  bytes: number
}

export function emptyTally(): ObjectTally {
  return { total: 0, ok: 0, missing: 0, differing: 0, unknown: 0, rehashed: 0, rehashedBytes: 0, bytes: 0 }
}

/**
 * Compares what the bucket has of the tenant with its journal, and adds it to the tally, which holds what was found out until then when it throws.
 * @throws {Failure} UNAVAILABLE, BUCKET_REFUSED, BUCKET_NOT_FOUND
 */
export async function verifyTenant(parts: JournalAndBucket, tally: ObjectTally, options: VerifyOptions): Promise<void> {
  const crew = new Crew(AT_ONCE)
  try {
    for await (const batch of pairs(parts, options.signal)) {
      options.signal.throwIfAborted()
      tally.unknown += batch.unknown.length
      for (const pair of batch.pairs) {
        if (isSettled(pair, options)) count(tally, pair.row, null, options)
        else await crew.do(() => lookCloser(parts, pair, options, tally))
      }
    }
    await crew.end()
  } finally {
    await crew.settled()
  }
}

function isSettled({ row, stat }: Pair, options: VerifyOptions): boolean {
  return stat !== null && faultOf(row, stat, options) === null && !isChosen(row, options)
}

function isChosen(row: BucketRow, { share, seed }: VerifyOptions): boolean {
  return share >= 1 || (share > 0 && shortNumber(`${seed}:${row.name_hash}`) / NUMBERS < share)
}

/** The row and the object may have changed since they were listed: what seems wrong is looked at anew before it is told. */
async function lookCloser(parts: JournalAndBucket, pair: Pair, options: VerifyOptions, tally: ObjectTally): Promise<void> {
  const key = mediaKey(parts.tenantId, pair.row.name)
  let { row, stat } = pair
  if (stat === null || faultOf(row, stat, options) !== null) {
    stat = await parts.bucket.stat(key, options.signal)
    const now = (await parts.journal(tables => rowsNamed(tables, [row.name_hash]))).get(row.name_hash)
    if (now === undefined || !isInBucket(now)) return
    row = now
  }
  const told = async (fault: ObjectFault | null) => {
    if (fault !== null) await options.lost?.(row, fault)
    count(tally, row, fault, options)
  }
  if (stat === null) return told(missing(row))
  const fault = faultOf(row, stat, options)
  const hashDecides = options.share > 0 && stat.bytes === row.bytes
  if (!hashDecides || (fault === null && !isChosen(row, options))) return told(fault)
  const rehashed = await rehash(parts, row, options.signal)
  tally.rehashed++
  tally.rehashedBytes += row.bytes
  await told(rehashed)
}

async function rehash(parts: JournalAndBucket, row: BucketRow, signal: AbortSignal): Promise<ObjectFault | null> {
  try {
    const sha256 = await rereading(() => contentHash(parts.bucket, mediaKey(parts.tenantId, row.name), signal), signal)
    if (sha256 === null) return missing(row)
    return sha256 === row.sha256 ? null : differing(row, new OtherContent(sha256, row.sha256).message)
  } catch (error) {
    if (isFailure(error, 'MEDIA_CORRUPT')) return differing(row, error.message)
    throw error
  }
}

/** The one place where a row's outcome is counted. */
function count(tally: ObjectTally, row: BucketRow, fault: ObjectFault | null, options: VerifyOptions): void {
  tally.total++
  tally.bytes += row.bytes
  tally[fault?.kind ?? 'ok']++
  if (fault !== null) options.found(fault)
  options.progress(tally.total)
}

function faultOf(row: BucketRow, stat: Stat, { etags }: Pick<VerifyOptions, 'etags'>): ObjectFault | null {
  if (stat.bytes !== row.bytes) return differing(row, `it has ${stat.bytes} bytes, not ${row.bytes}`)
  if (etags === 'ignored' || row.etag === null || stat.etag === row.etag) return null
  return differing(row, `its etag is ${stat.etag}, not ${row.etag}`)
}

function missing(row: BucketRow): ObjectFault {
  return { kind: 'missing', name: row.name, code: 'MEDIA_NOT_FOUND', message: 'the bucket has no such object' }
}

function differing(row: BucketRow, message: string): ObjectFault {
  return { kind: 'differing', name: row.name, code: 'MEDIA_CORRUPT', message }
}
