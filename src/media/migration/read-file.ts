import { createHash, hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { identityOf } from '../identity.js'

export interface ReadTask {
  readonly number: number
  readonly path: string
  /** A file of at most so many bytes is handed over with its hashes. */
  readonly holdBytes: number
}

/** A file as it was read in one go. */
export interface ReadFile {
  readonly identity: string
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
  readonly md5: string
  /** Its first bytes. */
  readonly head: Uint8Array
  /** All of it; null when it is larger than what may be held. */
  readonly content: Uint8Array | null
}

/** `gone`: there is no such file (any more). `changed`: it was written to while it was read. */
export type ReadResult = ReadFile | { readonly fault: 'gone' | 'changed' | 'unreadable'; readonly words: string }

const CHUNK_BYTES = 1024 * 1024
export const HEAD_BYTES = 4_096
/** A link leads elsewhere, and the writer of a pipe may never come. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Reads the file once, for its content and both hashes. Blocks: for a thread of its own. */
export function readFile(task: Omit<ReadTask, 'number'>): ReadResult {
  try {
    const file = openSync(task.path, OPEN_FLAGS)
    try {
      return readOpen(file, task)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { fault: code === 'ENOENT' || code === 'ENOTDIR' ? 'gone' : 'unreadable', words: message }
  }
}

function readOpen(file: number, task: Omit<ReadTask, 'number'>): ReadResult {
  const before = fstatSync(file, { bigint: true })
  if (!before.isFile()) return { fault: 'unreadable', words: `${task.path} is no regular file` }
  const bytes = Number(before.size)
  const read = bytes <= task.holdBytes ? readWhole(file, bytes) : readInChunks(file)
  const identity = identityOf(before)
  if (read.bytes !== bytes || identityOf(fstatSync(file, { bigint: true })) !== identity) {
    return { fault: 'changed', words: `${task.path} changed while it was read` }
  }
  return { identity, ...read }
}

function readWhole(file: number, bytes: number): Omit<ReadFile, 'identity'> {
  // Not of the pool: it is handed over to another thread.
  const content = new Uint8Array(new ArrayBuffer(bytes))
  let filled = 0
  for (let got = 1; filled < bytes && got > 0; filled += got) got = readSync(file, content, filled, bytes - filled, filled)
  const head = content.slice(0, HEAD_BYTES)
  return { bytes: filled, sha256: hash('sha256', content), md5: hash('md5', content), head, content }
}

function readInChunks(file: number): Omit<ReadFile, 'identity'> {
  const [sha256, md5] = [createHash('sha256'), createHash('md5')]
  const chunk = new Uint8Array(CHUNK_BYTES)
  let head = new Uint8Array()
  let bytes = 0
  for (let got = readSync(file, chunk, 0, CHUNK_BYTES, 0); got > 0; got = readSync(file, chunk, 0, CHUNK_BYTES, bytes)) {
    const part = chunk.subarray(0, got)
    if (bytes === 0) head = part.slice(0, HEAD_BYTES)
    sha256.update(part)
    md5.update(part)
    bytes += got
  }
  return { bytes, sha256: sha256.digest('hex'), md5: md5.digest('hex'), head, content: null }
}
