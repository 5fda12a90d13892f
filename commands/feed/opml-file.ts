import { type FileHandle, open } from 'node:fs/promises'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure, isFailure, wordsOf } from '../../src/kernel/errors.js'

/**
 * The feeds of an OPML file; one that is too large is not read, and of what has no size, as a pipe, no more than is allowed.
 * @throws {Failure} FILE_UNREADABLE, OPML_TOO_LARGE, OPML_INVALID naming the line
 */
export async function readOpmlFile(path: string): Promise<FeedWish[]> {
  let bytes: Uint8Array
  try {
    await using file = await open(path)
    bytes = await boundedBytes(file)
  } catch (error) {
    if (isFailure(error)) throw error
    throw new Failure('FILE_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, { cause: error })
  }
  return readOpmlBytes(bytes)
}

/** @throws {Failure} OPML_TOO_LARGE, OPML_INVALID naming the line */
export async function readOpmlBytes(bytes: Uint8Array): Promise<FeedWish[]> {
  const { readOpml } = await import('../../src/feeds/opml.js')
  return readOpml(bytes).map(({ url, title }) => ({ url, title }))
}

async function boundedBytes(file: FileHandle): Promise<Uint8Array> {
  const { MAX_OPML_BYTES, tooManyBytes } = await import('../../src/feeds/opml.js')
  if ((await file.stat()).size > MAX_OPML_BYTES) throw tooManyBytes()
  const chunks: Buffer[] = []
  // One byte more than is allowed, which tells that there is more.
  for await (const chunk of file.createReadStream({ autoClose: false, end: MAX_OPML_BYTES })) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
