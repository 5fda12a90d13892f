import type { Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from 'node:zlib'
import { Failure, wordsOf } from '../../kernel/errors.js'

export const ACCEPT_ENCODING = 'gzip, br, deflate'

const MAX_ENCODINGS = 3
/** Most feeds decompress into one piece: each piece is a trip to another thread and back. */
const CHUNK_BYTES = 64 * 1024

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

/** Gathers a response body as it arrives, decompressing it, and never holds more than `maxBytes` of either form. */
export class BodyReader {
  wireBytes = 0
  private bytes = 0
  private chunks: Uint8Array[] = []
  private stages: Transform[] = []
  private started = false
  private done = false

  constructor(private readonly options: BodyOptions) {}

  write(chunk: Buffer): void {
    if (this.done || chunk.byteLength === 0) return
    this.wireBytes += chunk.byteLength
    if (this.wireBytes > this.options.maxBytes) this.failTooLarge()
    if (!this.started) this.start(chunk)
    const [first] = this.stages
    if (first === undefined) this.gather(chunk)
    else if (!this.done) first.write(chunk)
  }

  /** The body is complete as far as the connection can tell. */
  end(): void {
    if (this.done) return
    const [first] = this.stages
    if (first === undefined) this.finish()
    else first.end()
  }

  /** Frees what is held; neither callback is called any more. */
  drop(): void {
    this.done = true
    this.chunks = []
    for (const stage of this.stages) stage.destroy()
  }

  private start(firstChunk: Buffer): void {
    this.started = true
    const encodings = encodingsIn(this.options.contentEncoding)
    const stages = encodings.map(encoding => decompressor(encoding, firstChunk))
    const unknown = encodings.find((_, index) => stages[index] === null)
    if (unknown !== undefined) this.fail(new Failure('FEED_ENCODING', `unknown Content-Encoding "${unknown.slice(0, 40)}"`))
    else if (stages.length > MAX_ENCODINGS) this.fail(new Failure('FEED_ENCODING', `the body is encoded ${stages.length} times`))
    else for (const stage of stages) if (stage !== null) this.append(stage)
    this.stages.at(-1)?.on('data', (chunk: Buffer) => this.gather(chunk))
    this.stages.at(-1)?.on('end', () => this.finish())
  }

  private append(stage: Transform): void {
    const before = this.stages.at(-1)
    before?.on('data', (chunk: Buffer) => stage.write(chunk))
    before?.on('end', () => stage.end())
    stage.on('error', (error: NodeJS.ErrnoException) => {
      const cut = error.code === 'Z_BUF_ERROR'
      const words = cut ? 'the compressed body ends early' : `the body does not decompress: ${wordsOf(error)}`
      this.fail(new Failure(cut ? 'FEED_CUT' : 'FEED_ENCODING', words, { cause: error }))
    })
    this.stages.push(stage)
  }

  private gather(chunk: Uint8Array): void {
    if (this.done) return
    this.bytes += chunk.byteLength
    if (this.bytes > this.options.maxBytes) this.failTooLarge()
    else this.chunks.push(chunk)
  }

  private finish(): void {
    if (this.done) return
    const body = new Uint8Array(this.bytes)
    let offset = 0
    for (const chunk of this.chunks) {
      body.set(chunk, offset)
      offset += chunk.byteLength
    }
    this.drop()
    this.options.onBody(body)
  }

  private failTooLarge(): void {
    this.fail(new Failure('FEED_TOO_LARGE', `the document is larger than ${this.options.maxBytes} bytes`))
  }

  private fail(failure: Failure): void {
    if (this.done) return
    this.drop()
    this.options.onFailure(failure)
  }
}

/** In the order they are undone: the header lists them in the order they were applied. */
function encodingsIn(header: string | null): string[] {
  const names = (header ?? '').toLowerCase().split(',', 100)
  return names
    .map(name => name.trim())
    .filter(name => name !== '' && name !== 'identity')
    .reverse()
}

/** Null for an encoding that is not known. `deflate` is zlib by the standard and raw in practice; its first byte tells. */
function decompressor(encoding: string, firstChunk: Buffer): Transform | null {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ chunkSize: CHUNK_BYTES })
    case 'br':
      return createBrotliDecompress({ chunkSize: CHUNK_BYTES })
    case 'deflate':
      return ((firstChunk[0] ?? 0) & 0x0f) === 8
        ? createInflate({ chunkSize: CHUNK_BYTES })
        : createInflateRaw({ chunkSize: CHUNK_BYTES })
    default:
      return null
  }
}
