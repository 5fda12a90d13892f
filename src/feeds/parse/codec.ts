import type { FeedDocument } from '../document.js'

/** Raise it with every change of `FeedDocument` or of what sanitising lets pass: documents of another version are not read. */
const FORMAT_VERSION = 2

const HEADER_TEXT = `feedctl-document ${FORMAT_VERSION}\n`
const HEADER = Buffer.from(HEADER_TEXT)

/** A document as bytes with an ArrayBuffer of their own, for threads, caches and databases. */
export function encodeDocument(document: FeedDocument): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(HEADER_TEXT + JSON.stringify(document))
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
