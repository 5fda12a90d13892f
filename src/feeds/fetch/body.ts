import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { ownBytes } from '../own-bytes.js'

export const ACCEPT_ENCODING = 'gzip, br, deflate'

const MAX_ENCODINGS = 3

interface BodyOptions {
  /** The Content-Encoding header; null or '' for none. */
  readonly contentEncoding: string | null
  /** Bound of the bytes received and of the bytes after decompression. */
  readonly maxBytes: number
  /** Called once, unless `onFailure` is. The bytes have an ArrayBuffer of their own. */
  readonly onBody: (body: Uint8Array<ArrayBuffer>) => void
  /** Called once, with FEED_TOO_LARGE, FEED_CUT or FEED_ENCODING; nothing is read after that. */
  readonly onFailure: (failure: Failure) => void
}

/** What becomes of a body while it arrives. */
export interface ArrivingBody {
  /** Received so far, before decompression. */
  readonly wireBytes: number
  write(chunk: Buffer): void
  /** The body is complete as far as the connection can tell. */
  end(): void
  /** Frees what is held; nobody is told anything any more. */
  drop(): void
}

/** Gathers a response body as it arrives, decompresses it at its end, and never holds more than `maxBytes` of either form. */
export class BodyReader implements ArrivingBody {
  wireBytes = 0
  private chunks: Uint8Array[] = []
  private done = false

  constructor(private readonly options: BodyOptions) {}

  write(chunk: Buffer): void {
    if (this.done) return
    this.wireBytes += chunk.byteLength
    if (this.wireBytes > this.options.maxBytes) this.fail(tooLarge(this.options.maxBytes))
    else this.chunks.push(chunk)
  }

  end(): void {
    if (this.done) return
    try {
      const body = decompressed(Buffer.concat(this.chunks, this.wireBytes), this.options)
      this.drop()
      this.options.onBody(ownBytes(body))
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      this.fail(error)
    }
  }

  drop(): void {
    this.done = true
    this.chunks = []
  }

  private fail(failure: Failure): void {
    this.drop()
    this.options.onFailure(failure)
  }
}

function decompressed(wire: Buffer, { contentEncoding, maxBytes }: BodyOptions): Buffer {
  const encodings = encodingsIn(contentEncoding)
  if (encodings.length > MAX_ENCODINGS) throw new Failure('FEED_ENCODING', `the body is encoded ${encodings.length} times`)
  return wire.byteLength === 0 ? wire : encodings.reduce((bytes, encoding) => undone(encoding, bytes, maxBytes), wire)
}

/** In the order they are undone: the header lists them in the order they were applied. */
export function encodingsIn(header: string | null): string[] {
  const names = (header ?? '').toLowerCase().split(',', 100)
  return names
    .map(name => name.trim())
    .filter(name => name !== '' && name !== 'identity')
    .reverse()
}

/** At once, not in a thread of zlib's: a feed takes a tenth of a millisecond, the way to the thread and back takes longer. */
function undone(encoding: string, bytes: Buffer, maxBytes: number): Buffer {
  const options = { maxOutputLength: maxBytes }
  try {
    switch (encoding) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, options)
      case 'br':
        return brotliDecompressSync(bytes, options)
      case 'deflate':
        // zlib by the standard and raw in practice; the first byte tells.
        return ((bytes[0] ?? 0) & 0x0f) === 8 ? inflateSync(bytes, options) : inflateRawSync(bytes, options)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    if (code === 'Z_BUF_ERROR') throw new Failure('FEED_CUT', 'the compressed body ends early', { cause: error })
    throw new Failure('FEED_ENCODING', `the body does not decompress: ${wordsOf(error)}`, { cause: error })
  }
  throw unknownEncoding(encoding)
}

export function unknownEncoding(encoding: string): Failure {
  return new Failure('FEED_ENCODING', `unknown Content-Encoding "${encoding.slice(0, 40)}"`)
}

export function tooLarge(maxBytes: number): Failure {
  return new Failure('FEED_TOO_LARGE', `the document is larger than ${maxBytes} bytes`)
}
