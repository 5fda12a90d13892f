import type { Readable } from 'node:stream'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { isFailure, wordsOf } from '../../kernel/errors.js'
import { invalid, MAX_LINE_BYTES, newHash, SEAL_BYTES, sealOf } from './format.js'

const LINE_END = 10

/**
 * Gives every line of a file to `take`, one after the other, without its end, and resolves when the seal has shown that no byte differs: what was taken before
 * that counts for nothing yet. Holds one line.
 * @throws {Failure} EXPORT_INVALID; those of `take`, the signal's reason, and what the stream failed with
 */
export async function eachLine(bytes: Readable, take: (line: Buffer) => unknown, signal: AbortSignal): Promise<void> {
  let refusal: unknown = null
  const sink = async (chunks: AsyncIterable<Buffer>) => {
    try {
      for await (const line of linesOf(chunks)) await take(line)
    } catch (error) {
      refusal = error
      throw error
    }
  }
  await pipeline(bytes, new Unsealing(), createGunzip(), sink, { signal }).catch(error => {
    throw signal.aborted ? signal.reason : isFailure(error, 'EXPORT_INVALID') ? error : (refusal ?? readable(error))
  })
}

async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = []
  let bytes = 0
  let number = 1
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, start)) {
      yield Buffer.concat([...begun, chunk.subarray(start, end)])
      begun = []
      bytes = 0
      number++
      start = end + 1
    }
    bytes += chunk.length - start
    if (bytes > MAX_LINE_BYTES) throw invalid(`line ${number}`, `is longer than ${MAX_LINE_BYTES} bytes`)
    if (start < chunk.length) begun.push(chunk.subarray(start))
  }
  if (bytes > 0) throw invalid(`line ${number}`, 'has no end')
}

/** Takes the seal off, and refuses what it does not fit. */
class Unsealing extends Transform {
  private readonly body = newHash()
  private held: Buffer = Buffer.alloc(0)

  override _transform(chunk: Buffer, _encoding: string, done: (error: Error | null, chunk?: Buffer) => void): void {
    const all = Buffer.concat([this.held, chunk])
    const body = all.subarray(0, Math.max(0, all.length - SEAL_BYTES))
    this.held = all.subarray(body.length)
    this.body.update(body)
    done(null, body)
  }

  override _flush(done: (error: Error | null) => void): void {
    const fits = this.held.equals(sealOf(this.body))
    done(fits ? null : invalid('export', 'the file is cut, changed, or not one that `feedctl tenant export` wrote'))
  }
}

/** What gzip finds is the file's fault. */
function readable(error: unknown): unknown {
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string' || !code.startsWith('Z_')) return error
  return invalid('export', `the file is damaged, or not one that \`feedctl tenant export\` wrote (${wordsOf(error)})`, error)
}
