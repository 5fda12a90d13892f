import { sleep } from '../../kernel/clock.js'
import { Failure, isFailure } from '../../kernel/errors.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { ObjectFacts, Source } from '../disks/driver.js'
import { hashName, type MediaKey, mediaKey } from '../names.js'
import { typeOf } from './content-kind.js'
import { HOLD_BYTES, type ReadFile } from './file-reader.js'
import type { FileFacts, TenantJournal } from './journal.js'
import { localIdentity, unreadable } from './local-files.js'
import { type Carrying, journaled, type MigrationParts, pathOf, roomFor } from './parts.js'
import { type MediaRow, uploadOf } from './rows.js'
import { fileSource, heldSource } from './sources.js'
import { settleVanished } from './vanished.js'

const TRIES = 3
const BETWEEN_TRIES_MS = 200

interface Known {
  readonly facts: FileFacts
  readonly source: Source
}

/**
 * Brings a file from where it stands to `uploaded`, or writes down why not: every step is in the journal before the next begins.
 * @throws {Failure} what concerns more than this file: JournalLost, BucketLost, BUCKET_NOT_FOUND; the signal's reason
 */
export async function carry(parts: MigrationParts, carrying: Carrying): Promise<void> {
  const { tenant, journal, row } = carrying
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptOnce(parts, carrying)
      } catch (error) {
        if (attempt === TRIES || !(isFailure(error, 'MEDIA_CHANGED') || isFailure(error, 'MEDIA_CORRUPT'))) throw error
        await sleep(BETWEEN_TRIES_MS * attempt, parts.stop)
      }
    }
  } catch (error) {
    if (!isOwnFault(error, parts)) throw error
    await journaled(journal.failed(row, error))
    parts.tally.failed(tenant.slug, row.name, error)
  } finally {
    carrying.leave()
  }
}

/** Whether it is this file that cannot be carried, and others can. */
function isOwnFault(error: unknown, { stop, cut }: MigrationParts): error is Failure {
  if (error === stop.reason || error === cut.reason || !(error instanceof Failure)) return false
  return error.constructor === Failure && error.code !== 'BUCKET_NOT_FOUND' && error.code !== 'INTERRUPTED'
}

async function attemptOnce(parts: MigrationParts, carrying: Carrying): Promise<void> {
  const { tenant, journal, row, leave } = carrying
  const known = remembered(parts, tenant, row) ?? (await read(parts, tenant, row))
  if (known === null) return settleVanished(parts, carrying)
  if (!(await journaled(journal.uploading(row, known.facts)))) return
  const key = mediaKey(tenant.id, row.name)
  const free = await roomFor(parts, known.facts.bytes)
  let etag: string
  try {
    if (carrying.isOver()) return
    etag = (await etagOfCopy(parts, row, key, known)) ?? (await upload(parts, journal, row, key, known))
  } finally {
    free()
  }
  leave()
  if (await journaled(journal.uploaded(row, etag))) {
    parts.tally.uploaded.files++
    parts.tally.uploaded.bytes += known.facts.bytes
  } else await removeOrphan(parts, carrying, key)
}

/** What an earlier run has hashed, where the file is still the same; small files are read anyway. */
function remembered({ folder }: MigrationParts, tenant: Tenant, row: MediaRow): Known | null {
  const { bytes, sha256, md5, type, identity } = row
  if (bytes <= HOLD_BYTES || sha256 === null || md5 === null || identity === null) return null
  const path = pathOf(folder, tenant, row)
  if (localIdentity(path) !== identity) return null
  const facts = { bytes, sha256, md5, identity, type: type ?? typeOf(row.name, new Uint8Array()) }
  return { facts, source: fileSource(path, facts) }
}

/** Null when there is no file any more. @throws {Failure} MEDIA_CHANGED, MEDIA_UNREADABLE */
async function read({ folder, reader }: MigrationParts, tenant: Tenant, row: MediaRow): Promise<Known | null> {
  const path = pathOf(folder, tenant, row)
  const result = await reader.read(path, row.bytes)
  if (!('fault' in result)) return knownOf(path, row, result)
  if (result.fault === 'gone') return null
  if (result.fault === 'changed') throw new Failure('MEDIA_CHANGED', result.words)
  throw unreadable(path, result.words)
}

function knownOf(path: string, row: MediaRow, file: ReadFile): Known {
  const { bytes, sha256, md5, identity } = file
  const type = row.sha256 === sha256 && row.type !== null ? row.type : typeOf(row.name, file.head)
  const source = file.content === null ? fileSource(path, file) : heldSource(file.content)
  return { facts: { bytes, sha256, md5, type, identity }, source }
}

/** Of the bucket's copy, where an earlier attempt may have left one of this very content; null when there is none. */
async function etagOfCopy(parts: MigrationParts, row: MediaRow, key: MediaKey, known: Known): Promise<string | null> {
  const { facts, source } = known
  const mayBeThere = row.sha256 === facts.sha256 && (row.state === 'uploading' || row.etag !== null)
  if (!mayBeThere) return null
  const stat = await parts.outage.bridge(() => parts.bucket.stat(key, parts.cut), parts.stop)
  if (stat === null || stat.bytes !== facts.bytes || stat.etag === null) return null
  const isSame = stat.etag === facts.md5 || (stat.etag.includes('-') && stat.etag === (await parts.bucket.etagOf(source, facts)))
  return isSame ? stat.etag : null
}

async function upload(
  parts: MigrationParts,
  journal: TenantJournal,
  row: MediaRow,
  key: MediaKey,
  { facts, source: unlimited }: Known,
): Promise<string> {
  const { bucket, outage, throttle, stop, cut } = parts
  const objectFacts: ObjectFacts = { type: facts.type, md5: facts.md5, sha256: facts.sha256 }
  let begun = row.sha256 === facts.sha256 ? uploadOf(row) : null
  let most = begun?.parts.length ?? 0
  const { etag } = await outage.bridge(async gotOn => {
    const note = async (noted: typeof begun & object) => {
      if (noted.parts.length > most) gotOn()
      most = Math.max(most, noted.parts.length)
      begun = noted
      await journaled(journal.parts(row, noted))
    }
    const source = throttle === null ? unlimited : await throttle.limit(unlimited, stop, cut)
    if (facts.bytes < bucket.multipartFrom) return bucket.put(key, source, objectFacts, cut)
    return bucket.upload(key, source, objectFacts, { begun, note }, cut)
  }, stop)
  outage.took()
  if (etag !== null && (etag === facts.md5 || etag.includes('-'))) return etag
  throw new Failure('MEDIA_CORRUPT', `the bucket says that it stored ${etag ?? 'something'} where ${facts.md5} was sent`)
}

/** The row went away during the upload, with its post or tenant: so does the object, unless the name has been given to another row. */
async function removeOrphan(parts: MigrationParts, { journal, row }: Carrying, key: MediaKey): Promise<void> {
  const heirs = await journaled(journal.tables.media().select('id').where('name_hash', '=', hashName(row.name)).execute())
  if (heirs.length === 0) await parts.outage.bridge(() => parts.bucket.remove([key], parts.cut), parts.stop)
}
