import { type BucketRow, isHashed, rowsNamed } from '../bucket-rows.js'
import { hashName } from '../names.js'
import { IdSet } from '../verify/id-set.js'
import { type JournalAndBucket, journalRows } from '../verify/pairs.js'
import type { ObjectFault } from '../verify/verify-tenant.js'
import type { ManifestFile } from './format.js'

export interface ManifestTally {
  /** Files of the manifest; `ok`, `missing` and `differing` add up to it. */
  files: number
  ok: number
  missing: number
  differing: number
  /** Hashed files of the journal that the manifest does not have: newer ones. */
  added: number
}

/** Compares a manifest with the journal as it is now. */
export async function compareManifest(
  batches: AsyncIterable<readonly ManifestFile[]>,
  journal: JournalAndBucket['journal'],
  found: (fault: ObjectFault) => void,
): Promise<ManifestTally> {
  const tally = { files: 0, ok: 0, missing: 0, differing: 0, added: 0 }
  const listed = new IdSet()
  for await (const files of batches) {
    const rows = await journal(tables =>
      rowsNamed(
        tables,
        files.map(file => hashName(file.name)),
      ),
    )
    for (const file of files) {
      const row = rows.get(hashName(file.name))
      if (row !== undefined) listed.add(row.id)
      const fault = faultOf(file, row)
      tally.files++
      tally[fault?.kind ?? 'ok']++
      if (fault !== null) found(fault)
    }
  }
  for await (const rows of journalRows({ journal })) {
    tally.added += rows.filter(row => isHashed(row) && !listed.has(row.id)).length
  }
  return tally
}

function faultOf(file: ManifestFile, row: Pick<BucketRow, 'state' | 'sha256' | 'bytes'> | undefined): ObjectFault | null {
  const { name } = file
  if (row === undefined) {
    return { kind: 'missing', name, code: 'MEDIA_NOT_FOUND', message: 'the journal does not know this file of the manifest' }
  }
  if (row.sha256 !== null && !isHashed(row)) {
    return { kind: 'differing', name, code: 'MEDIA_CHANGED', message: 'the local file has changed, and is not hashed again yet' }
  }
  if (row.sha256 === file.sha256 && row.bytes === file.bytes) return null
  const message = `the manifest has the SHA-256 ${file.sha256} for it, the journal ${row.sha256}`
  return { kind: 'differing', name, code: 'MEDIA_CORRUPT', message }
}
