import { parseTenantId } from '../../tenants/ids.js'
import type { EventBatch, EventColumns } from '../event-batch.js'
import { ByteReader, ByteWriter } from './varints.js'

/** First byte of a batch. Another one is what a later feedctl wrote. */
const VERSION = 1
/** What of the columns there is. */
const [HAS_POSTS, HAS_VISITORS, HAS_EXTRAS, HAS_LARGE_POSTS] = [1, 2, 4, 8] as const
/** The difference of two below it is exact in a signed varint. */
const LARGE_POST = 2 ** 51
const HEAD_BYTES = 256
const BYTES_PER_EVENT = 20
/** More is nonsense: what accepts events takes far fewer at once. */
const MOST_EVENTS = 1_000_000

/** The batch as bytes: columns one after the other, posts and times as differences to the one before. Not compressed: hashes of visitors are most of it, and have no pattern. */
export function encodeBatch({ tenantId, id, acceptedAt, events }: EventBatch): Buffer {
  const { length, kinds, kind, post, at, extras } = events
  const flags = flagsOf(events)
  const writer = new ByteWriter(HEAD_BYTES + length * BYTES_PER_EVENT)
  writer.byte(VERSION)
  writer.byte(flags)
  writer.varint(tenantId)
  writer.text(id)
  writer.varint(acceptedAt)
  writer.varint(length)
  writer.varint(kinds.length)
  for (const name of kinds) writer.text(name)
  if (kinds.length > 1) for (let index = 0; index < length; index++) writer.varint(kind[index] as number)
  writeDifferences(writer, at, acceptedAt)
  if (flags & HAS_LARGE_POSTS) for (const value of post) writer.varint(value)
  else if (flags & HAS_POSTS) writeDifferences(writer, post, 0)
  if (flags & HAS_VISITORS) {
    writer.raw(bytesOf(events.visitorHigh))
    writer.raw(bytesOf(events.visitorLow))
  }
  if (extras !== null) for (const extra of extras) writer.text(extra ?? '')
  return writer.bytes()
}

/** @throws {RangeError} for what is no batch, or one of a later feedctl */
export function decodeBatch(bytes: Buffer): EventBatch {
  const reader = new ByteReader(bytes)
  const version = reader.byte()
  if (version !== VERSION) throw new RangeError(`it was written by another feedctl (version ${version})`)
  const flags = reader.byte()
  const tenantId = parseTenantId(reader.varint())
  const id = reader.text()
  const acceptedAt = reader.varint()
  const length = reader.varint()
  if (length > MOST_EVENTS) throw new RangeError('it has too many events')
  const kinds = Array.from({ length: Math.min(reader.varint(), MOST_EVENTS) }, () => reader.text())
  const kind = new Uint16Array(length)
  if (kinds.length > 1) for (let index = 0; index < length; index++) kind[index] = reader.varint()
  const at = readDifferences(reader, length, acceptedAt)
  const post = readPosts(reader, flags, length)
  const visitorHigh = flags & HAS_VISITORS ? wordsOf(reader, length) : new Uint32Array(length)
  const visitorLow = flags & HAS_VISITORS ? wordsOf(reader, length) : new Uint32Array(length)
  const extras = flags & HAS_EXTRAS ? Array.from({ length }, () => reader.text() || null) : null
  if (!reader.isAtEnd) throw new RangeError('it goes on where it should end')
  return { tenantId, id, acceptedAt, events: { length, kinds, kind, post, at, visitorHigh, visitorLow, extras } }
}

function flagsOf(events: EventColumns): number {
  const { post, visitorHigh, visitorLow, extras } = events
  let flags = extras === null ? 0 : HAS_EXTRAS
  if (visitorHigh.some(isSet) || visitorLow.some(isSet)) flags |= HAS_VISITORS
  if (post.some(isSet)) flags |= post.some(id => id >= LARGE_POST) ? HAS_LARGE_POSTS : HAS_POSTS
  return flags
}

function isSet(value: number): boolean {
  return value !== 0
}

function readPosts(reader: ByteReader, flags: number, length: number): Float64Array {
  if (flags & HAS_POSTS) return readDifferences(reader, length, 0)
  const column = new Float64Array(length)
  if (flags & HAS_LARGE_POSTS) for (let index = 0; index < length; index++) column[index] = reader.varint()
  return column
}

function writeDifferences(writer: ByteWriter, column: Float64Array, first: number): void {
  let last = first
  for (const value of column) {
    writer.signed(value - last)
    last = value
  }
}

function readDifferences(reader: ByteReader, length: number, first: number): Float64Array {
  const column = new Float64Array(length)
  let last = first
  for (let index = 0; index < length; index++) {
    last += reader.signed()
    column[index] = last
  }
  return column
}

/** In the order of bytes of this machine, which is little-endian wherever Node runs but on s390x. */
function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function wordsOf(reader: ByteReader, length: number): Uint32Array {
  const words = new Uint32Array(length)
  bytesOf(words).set(reader.raw(length * 4))
  return words
}
