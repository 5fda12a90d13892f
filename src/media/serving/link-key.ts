import { createHmac, randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../kernel/config.js'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { makeFolder } from '../../kernel/folders.js'
import { randomToken } from '../../kernel/hash.js'

const FILE = 'media-links.key'
const PURPOSE = 'feedctl media links 1'

/**
 * The key that links to local files are signed with: made from FEEDCTL_MEDIA_KEY; where that is not set, from a random secret that is made once
 * and kept in `<FEEDCTL_DATA>/media-links.key`, readable by its owner only. Who shares the files shares the key. When it changes, links that were given out
 * end; they last minutes. @throws {Failure} CONFIG_INVALID when the file cannot be made or holds no key
 */
export function linkKey(config: Pick<Config, 'mediaKey' | 'data'>): Buffer {
  const secret = config.mediaKey ?? keptSecret(config.data)
  return createHmac('sha256', secret).update(PURPOSE).digest()
}

function keptSecret(folder: string): string {
  const path = join(folder, FILE)
  try {
    return read(path) ?? make(folder, path)
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('CONFIG_INVALID', `the key of media links cannot be kept in ${path}: ${wordsOf(error)}`, {
      hint: 'set FEEDCTL_MEDIA_KEY',
      cause: error,
    })
  }
}

function make(folder: string, path: string): string {
  makeFolder(folder)
  const draft = `${path}.${randomToken()}`
  writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  try {
    // Whole or not at all; of several that race one is first, and all read its key.
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return read(path) ?? ''
}

/** Null when there is no such file. */
function read(path: string): string | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  if (/^[\w-]{43}$/.test(text)) return text
  throw new Failure('CONFIG_INVALID', `${path} holds no key`, { hint: 'remove it, or set FEEDCTL_MEDIA_KEY' })
}
