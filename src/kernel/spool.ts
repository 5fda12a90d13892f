import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Failure, wordsOf } from './errors.js'
import { makeFolder } from './folders.js'

/** A stream that has become a file, to be read more than once; it goes when it is disposed of. */
export interface Spooled extends AsyncDisposable {
  readonly path: string
}

/** Keeps what comes in `<folder>/spool`, for this user alone. @throws {Failure} DISK_FULL, FILE_UNREADABLE; what the stream ends with */
export async function spooled(bytes: Readable, folder: string): Promise<Spooled> {
  const path = join(folder, 'spool', `stdin.${randomBytes(6).toString('hex')}.part`)
  const remove = () => rm(path, { force: true })
  try {
    makeFolder(join(folder, 'spool'), 0o700)
    await pipeline(bytes, createWriteStream(path, { flags: 'wx', mode: 0o600 }))
  } catch (error) {
    await remove()
    throw refused(path, error)
  }
  return { path, [Symbol.asyncDispose]: remove }
}

function refused(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error
  const code = (error as NodeJS.ErrnoException).code === 'ENOSPC' ? 'DISK_FULL' : 'FILE_UNREADABLE'
  return new Failure(code, `cannot write ${path}: ${wordsOf(error)}`, { cause: error })
}
