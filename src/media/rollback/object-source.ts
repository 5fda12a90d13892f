import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { Failure } from '../../kernel/errors.js'
import type { BucketRow } from '../bucket-rows.js'
import { OtherContent } from '../content-hash.js'
import type { Bucket, Source } from '../disks/driver.js'
import type { MediaKey } from '../names.js'

/**
 * The object as a source for another disk. The stream of all its bytes fails at its end with MEDIA_CORRUPT when they are not those of the row: then the
 * other disk stores nothing. MEDIA_NOT_FOUND when there is no such object. `last`: called when all bytes came; when it throws, the stream fails as well.
 */
export function objectSource(
  bucket: Bucket,
  key: MediaKey,
  row: Pick<BucketRow, 'bytes' | 'sha256'>,
  signal: AbortSignal,
  last: () => void,
): Source {
  return {
    bytes: row.bytes,
    whole: null,
    open: (from, to) => Readable.from(bytesOf(bucket, key, row, { from, to, signal, last })),
  }
}

async function* bytesOf(
  bucket: Bucket,
  key: MediaKey,
  row: Pick<BucketRow, 'bytes' | 'sha256'>,
  { from, to, signal, last }: { from: number; to: number; signal: AbortSignal; last: () => void },
): AsyncGenerator<Buffer> {
  const isWhole = from === 0 && to >= row.bytes
  const reading = await bucket.read(key, isWhole ? null : { first: from, last: to - 1 }, signal)
  if (reading === null) throw new Failure('MEDIA_NOT_FOUND', 'the bucket has no such object')
  const hash = createHash('sha256')
  for await (const chunk of reading.stream as AsyncIterable<Buffer>) {
    hash.update(chunk)
    yield chunk
  }
  const sha256 = hash.digest('hex')
  if (isWhole && sha256 !== row.sha256) throw new OtherContent(sha256, row.sha256)
  last()
}
