import type { FeedDocument } from '../document.js'

/** Raise it with every change of `FeedDocument` or of what sanitising lets pass: documents of another version are not read. */
const FORMAT_VERSION = 1

const HEADER = Buffer.from(`feedctl-document ${FORMAT_VERSION}\n`)

/** A document as bytes with an ArrayBuffer of their own, for threads, caches and databases. */
export function encodeDocument(document: FeedDocument): Uint8Array<ArrayBuffer> {
  const json = JSON.stringify(document)
  const bytes = new Uint8Array(HEADER.byteLength + Buffer.byteLength(json))
  bytes.set(HEADER)
  new TextEncoder().encodeInto(json, bytes.subarray(HEADER.byteLength))
  return bytes
}

/** Null for bytes that this version did not write. */
export function decodeDocument(bytes: Uint8Array): FeedDocument | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!buffer.subarray(0, HEADER.byteLength).equals(HEADER)) return null
  try {
    return JSON.parse(buffer.toString('utf8', HEADER.byteLength)) as FeedDocument
  } catch {
    return null
  }
}
