import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { readBoundedFile } from './bounded-file.js'

/**
 * The feeds of an OPML file; one that is too large is not read, and of what has no size, as a pipe, no more than is allowed.
 * @throws {Failure} FILE_UNREADABLE, OPML_TOO_LARGE, OPML_INVALID naming the line
 */
export async function readOpmlFile(path: string): Promise<FeedWish[]> {
  const { MAX_OPML_BYTES, tooManyBytes } = await import('../../src/feeds/opml.js')
  return readOpmlBytes(await readBoundedFile(path, { maxBytes: MAX_OPML_BYTES, tooLarge: tooManyBytes }))
}

/** @throws {Failure} OPML_TOO_LARGE, OPML_INVALID naming the line */
export async function readOpmlBytes(bytes: Uint8Array): Promise<FeedWish[]> {
  const { readOpml } = await import('../../src/feeds/opml.js')
  return readOpml(bytes).map(({ url, title }) => ({ url, title }))
}
