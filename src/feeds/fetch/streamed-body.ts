import { PassThrough, pipeline, type Transform, Writable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { type ArrivingBody, encodingsIn, tooLarge, unknownEncoding } from './body.js'

/** Where a body goes that is too large to be held. */
export interface BodySink {
  /** Decompressed, one chunk at a time: the next comes when this has resolved. When it rejects, the exchange ends with its reason. */
  write(chunk: Uint8Array): Promise<void>
}

interface StreamedBodyOptions {
  /** The Content-Encoding header; null or '' for none. */
  readonly contentEncoding: string | null
  /** Bound of the bytes received and of the bytes after decompression. */
  readonly maxBytes: number
  readonly sink: BodySink
  /** How the connection is told to wait, and to go on. */
  readonly flow: { pause(): void; resume(): void }
  /** Called once when the sink has everything, unless `onFailure` is. */
  readonly onEnd: () => void
  /** Called once, with FEED_TOO_LARGE, FEED_CUT, FEED_ENCODING or what the sink rejected with; the sink gets nothing after that. */
  readonly onFailure: (reason: unknown) => void
}

/** Hands a response body on as it arrives, decompressed, no faster than it is taken. */
export class StreamedBody implements ArrivingBody {
  wireBytes = 0
  private first: PassThrough | null = null
  private done = false

  constructor(private readonly options: StreamedBodyOptions) {}

  write(chunk: Buffer): void {
    if (this.done || chunk.byteLength === 0) return
    this.wireBytes += chunk.byteLength
    try {
      if (this.wireBytes > this.options.maxBytes) throw tooLarge(this.options.maxBytes)
      this.first ??= this.start(chunk)
    } catch (error) {
      this.fail(error)
      return
    }
    if (this.first.write(chunk)) return
    this.options.flow.pause()
    this.first.once('drain', () => {
      if (!this.done) this.options.flow.resume()
    })
  }

  end(): void {
    if (this.done) return
    if (this.first !== null) this.first.end()
    else this.finish()
  }

  drop(): void {
    this.done = true
    this.first?.destroy()
  }

  /** The first byte tells the two forms of deflate apart. */
  private start(chunk: Buffer): PassThrough {
    const { contentEncoding, maxBytes } = this.options
    const encodings = encodingsIn(contentEncoding)
    if (encodings.length > 1) throw new Failure('FEED_ENCODING', `the body is encoded ${encodings.length} times`)
    const first = new PassThrough()
    const decoders = encodings.map(encoding => decoderOf(encoding, chunk[0] ?? 0))
    pipeline([first, ...decoders, this.taker(maxBytes)], error => {
      if (error) this.fail(faultOf(error))
      else this.finish()
    })
    return first
  }

  private taker(maxBytes: number): Writable {
    let bytes = 0
    return new Writable({
      write: (chunk: Buffer, _encoding, taken) => {
        bytes += chunk.byteLength
        if (bytes > maxBytes) return taken(tooLarge(maxBytes))
        this.options.sink.write(chunk).then(() => taken(), taken)
      },
    })
  }

  private finish(): void {
    if (this.done) return
    this.done = true
    this.options.onEnd()
  }

  private fail(reason: unknown): void {
    if (this.done) return
    this.drop()
    this.options.onFailure(reason)
  }
}

function decoderOf(encoding: string, firstByte: number): Transform {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'br':
      return createBrotliDecompress()
    case 'deflate':
      return (firstByte & 0x0f) === 8 ? createInflate() : createInflateRaw()
  }
  throw unknownEncoding(encoding)
}

function faultOf(error: NodeJS.ErrnoException): unknown {
  const { code = '' } = error
  if (code === 'Z_BUF_ERROR') return new Failure('FEED_CUT', 'the compressed body ends early', { cause: error })
  if (!/^(Z_|ERR_)/.test(code)) return error
  return new Failure('FEED_ENCODING', `the body does not decompress: ${wordsOf(error)}`, { cause: error })
}
