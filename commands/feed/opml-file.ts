import { readFile } from 'node:fs/promises'
import type { FeedWish } from '../../src/feeds/subscriptions.js'
import { Failure, wordsOf } from '../../src/kernel/errors.js'

/** The feeds of an OPML file. @throws {Failure} FILE_UNREADABLE, OPML_INVALID naming the line */
export async function readOpmlFile(path: string): Promise<FeedWish[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new Failure('FILE_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, { cause: error })
  }
  return readOpmlText(text)
}

/** @throws {Failure} OPML_INVALID naming the line */
export async function readOpmlText(text: string): Promise<FeedWish[]> {
  const { readOpml } = await import('../../src/feeds/opml.js')
  return readOpml(text).map(({ url, title }) => ({ url, title }))
}
