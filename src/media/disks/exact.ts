import { PassThrough, type Readable } from 'node:stream'
import { Failure } from '../../kernel/errors.js'

/**
 * The stream, failing with MEDIA_CORRUPT where it ends before or after the told number of bytes, and with what `words` makes of its own errors. Ending
 * the answer ends the stream that it is made of.
 */
export function exactly(from: Readable, bytes: number, words: (error: unknown) => unknown): Readable {
  let left = bytes
  const out = new PassThrough({
    transform(chunk: Buffer, _encoding, done) {
      left -= chunk.length
      if (left < 0) done(miscounted(bytes, bytes - left))
      else done(null, chunk)
    },
    flush(done) {
      if (left > 0) done(miscounted(bytes, bytes - left))
      else done()
    },
  })
  from.once('error', error => out.destroy(words(error) as Error))
  from.once('close', () => {
    if (!from.readableEnded && !out.destroyed) out.destroy(left > 0 ? miscounted(bytes, bytes - left) : undefined)
  })
  out.once('close', () => from.destroy())
  return from.pipe(out)
}

function miscounted(told: number, came: number): Failure {
  return new Failure('MEDIA_CORRUPT', `the media has ${told} bytes, but ${came < told ? `only ${came}` : 'more'} came`)
}
