import { type FileHandle, open } from 'node:fs/promises'
import { getSystemErrorMap } from 'node:util'
import { Failure, isFailure, wordsOf } from '../../src/kernel/errors.js'

export interface FileLimit {
  readonly maxBytes: number
  /** The refusal of a file that has more. */
  readonly tooLarge: () => Failure
}

const HINTS: Readonly<Record<string, string>> = {
  EISDIR: 'a file in that folder',
  EACCES: 'the same command as a user who may read it',
  EPERM: 'the same command as a user who may read it',
}

/**
 * The bytes of a file; one that is too large is not read, and of what has no size, as a pipe, no more than is allowed.
 * `named`: what the message calls it.
 * @throws {Failure} FILE_UNREADABLE, and the limit's own
 */
export async function readBoundedFile(path: string, limit: FileLimit, named = path): Promise<Uint8Array> {
  try {
    await using file = await open(path)
    return await boundedBytes(file, limit)
  } catch (error) {
    if (isFailure(error)) throw error
    throw unreadable(error, named)
  }
}

/** What keeps a file from being read, in words. */
export function unreadable(error: unknown, named: string): Failure {
  const { errno, code = '' } = error as NodeJS.ErrnoException
  const why = (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? wordsOf(error)
  const hint = HINTS[code] ?? 'a path from the working folder on, or an absolute one'
  return new Failure('FILE_UNREADABLE', `cannot read ${named || '""'}: ${why}`, { cause: error, hint })
}

async function boundedBytes(file: FileHandle, { maxBytes, tooLarge }: FileLimit): Promise<Uint8Array> {
  if ((await file.stat()).size > maxBytes) throw tooLarge()
  const chunks: Buffer[] = []
  // One byte more than is allowed, which tells that there is more.
  for await (const chunk of file.createReadStream({ autoClose: false, end: maxBytes })) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  if (bytes.byteLength > maxBytes) throw tooLarge()
  return bytes
}
