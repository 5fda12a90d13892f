import { pipeline, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { constants, createBrotliCompress, createGzip } from 'node:zlib'
import { malformedDocument, openingOf, postsForEver } from './broken-documents.js'
import type { Exchange } from './exchange.js'
import { rssItem } from './formats/rss.js'

const RSS = 'application/rss+xml; charset=utf-8'
const SLOW_BYTE_EVERY_MS = 250
const BOMB_CHUNKS = 256
const BOMB_CHUNK_BYTES = 1024 * 1024
const ITEMS_PER_CHUNK = 20

type BombEncoding = 'gzip' | 'br'
const bombs = new Map<BombEncoding, Promise<Buffer>>()

/** Leaves the request without an answer until the client goes. */
export function hang(): void {}

/** One byte of a well-formed start at a time, then one space at a time, until the client goes. */
export function slow({ response, tally }: Exchange, seed: number): void {
  const opening = openingOf(seed)
  let sent = 0
  response.writeHead(200, { 'content-type': RSS })
  const timer = setInterval(() => {
    response.write(opening.charAt(sent++) || ' ')
    tally.sent(1)
  }, SLOW_BYTE_EVERY_MS)
  response.once('close', () => clearInterval(timer))
}

/** Half of the body that Content-Length promises, then the end of the connection. */
export function cut({ response, tally }: Exchange, seed: number): void {
  const body = malformedDocument(seed)
  const half = body.subarray(0, Math.floor(body.length / 2))
  response.writeHead(200, { 'content-type': RSS, 'content-length': body.length })
  tally.sent(half.length)
  response.write(half, () => response.destroy())
}

/** Well-formed items, as fast as the client reads them, until it goes. */
export function endless(exchange: Exchange, seed: number): void {
  exchange.response.writeHead(200, { 'content-type': RSS })
  stream(exchange, Readable.from(endlessChunks(seed)))
}

/** 256 MiB of well-formed XML, compressed. What the client takes is not asked. */
export async function sendBomb(exchange: Exchange, encoding: BombEncoding): Promise<void> {
  const packed = await packedBomb(encoding)
  exchange.response.writeHead(200, { 'content-type': RSS, 'content-encoding': encoding })
  stream(exchange, Readable.from([packed]))
}

/** Made once: whoever asks while the machine is busy does not wait for it again. */
function packedBomb(encoding: BombEncoding): Promise<Buffer> {
  const known = bombs.get(encoding)
  if (known !== undefined) return known
  const compressor =
    encoding === 'gzip' ? createGzip({ level: 1 }) : createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
  const packing = buffer(Readable.from(bombChunks()).pipe(compressor))
  bombs.set(encoding, packing)
  return packing
}

function stream({ response, tally }: Exchange, source: Readable): void {
  const counted = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      tally.sent(chunk.length)
      yield chunk
    }
  }
  pipeline(source, counted, response, ignoreEnd)
}

/** That the client leaves in the middle is what these answers are for. */
function ignoreEnd(): void {}

function* endlessChunks(seed: number): Generator<Buffer, never> {
  yield Buffer.from(openingOf(seed))
  const posts = postsForEver(seed)
  for (;;) yield Buffer.from(Array.from({ length: ITEMS_PER_CHUNK }, () => rssItem(posts.next().value)).join(''))
}

function* bombChunks(): Generator<Buffer> {
  yield Buffer.from('<?xml version="1.0"?><rss version="2.0"><channel><title>Bomb</title><description>')
  const chunk = Buffer.alloc(BOMB_CHUNK_BYTES, 'A')
  for (let sent = 0; sent < BOMB_CHUNKS; sent++) yield chunk
  yield Buffer.from('</description></channel></rss>')
}
