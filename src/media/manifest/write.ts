import { createHmac } from 'node:crypto'
import { type BucketRow, isHashed, rowsAfterHash } from '../bucket-rows.js'
import type { JournalAndBucket } from '../verify/pairs.js'
import { fileLine, headLines, type ManifestHead, type ManifestSum, signatureLine, sumLine } from './format.js'

/**
 * The manifest of a tenant, in pieces: its head, a line for each file that the journal has hashed, in the order of the names' hashes, the sum, and as the
 * last line the HMAC-SHA256, under the key, of all bytes before it. A manifest that was cut has none. The answer is the sum.
 */
export async function* manifestOf(
  head: ManifestHead,
  journal: JournalAndBucket['journal'],
  key: string,
): AsyncGenerator<string, ManifestSum & { readonly signature: string }> {
  const hmac = createHmac('sha256', key)
  const signed = (text: string) => {
    hmac.update(text)
    return text
  }
  const sum = { files: 0, bytes: 0, unhashed: 0 }
  yield signed(headLines(head))
  for await (const rows of rowsByHash(journal)) {
    let text = ''
    for (const row of rows) {
      if (!isHashed(row)) {
        sum.unhashed++
        continue
      }
      sum.files++
      sum.bytes += row.bytes
      text += fileLine(row)
    }
    if (text !== '') yield signed(text)
  }
  yield signed(sumLine(sum))
  const signature = hmac.digest('hex')
  yield signatureLine(signature)
  return { ...sum, signature }
}

/** All rows of the tenant, page by page, in the order of their names' hashes. */
export async function* rowsByHash(journal: JournalAndBucket['journal']): AsyncGenerator<readonly BucketRow[]> {
  for (let after = ''; ; ) {
    const rows = await journal(tables => rowsAfterHash(tables, after))
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    after = last.name_hash
  }
}
