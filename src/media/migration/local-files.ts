import { type BigIntStats, type Dirent, lstatSync } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { Failure, isFailure, wordsOf } from '../../kernel/errors.js'
import { identityOf } from '../identity.js'
import { hashName, type MediaName, parseMediaName, RESERVED_SEGMENT } from '../names.js'

/** A file below the folder of a tenant. */
export interface LocalFile {
  readonly name: MediaName
  readonly nameHash: string
  readonly bytes: number
  readonly identity: string
}

/** What cannot be migrated as it is. `name`: for people; bytes that are no text are written as `\xff`. */
export interface LocalFault {
  readonly name: string
  readonly failure: Failure
}

export interface LocalBatch {
  readonly files: readonly LocalFile[]
  readonly faults: readonly LocalFault[]
  /** Links, sockets and the like, which are left alone. */
  readonly ignored: number
}

const BATCH = 500
/** Entries that are read of a folder at once. */
const READ_AHEAD = 256
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Every regular file below the folder, in no order, a few hundred at a time; none when there is no folder. Names are taken as bytes: what is
 * no name of a file on both disks is a fault, and the rest goes on. Names that start with `.feedctl-` are passed over.
 * @throws {Failure} MEDIA_UNREADABLE when the folder itself cannot be read; the signal's reason
 */
export async function* localFiles(folder: string, signal: AbortSignal): AsyncGenerator<LocalBatch> {
  const left = ['']
  let batch = emptyBatch()
  for (let below = left.pop(); below !== undefined; below = left.pop()) {
    for await (const entry of entriesOf(folder, below, batch.faults)) {
      signal.throwIfAborted()
      const name = nameOf(below, entry, batch.faults)
      if (name === null) continue
      if (entry.isDirectory()) left.push(`${name}/`)
      else take(folder, name, entry, batch)
      if (batch.files.length < BATCH) continue
      yield batch
      batch = emptyBatch()
    }
  }
  yield batch
}

function emptyBatch() {
  return { files: [] as LocalFile[], faults: [] as LocalFault[], ignored: 0 }
}

/** A folder that is gone holds nothing; one below that cannot be read is a fault. */
async function* entriesOf(folder: string, below: string, faults: LocalFault[]): AsyncGenerator<Dirent<Buffer>> {
  try {
    const options = { encoding: 'buffer' as BufferEncoding, bufferSize: READ_AHEAD }
    for await (const entry of await opendir(`${folder}/${below}`, options)) yield entry as unknown as Dirent<Buffer>
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    if (code === 'ENOENT') return
    const failure = unreadable(`${folder}/${below}`, error)
    if (below === '') throw failure
    faults.push({ name: below, failure })
  }
}

/** Null for what has no name that both disks can hold. */
function nameOf(below: string, entry: Dirent<Buffer>, faults: LocalFault[]): MediaName | null {
  try {
    const segment = utf8.decode(entry.name)
    return RESERVED_SEGMENT.test(segment) ? null : parseMediaName(below + segment)
  } catch (error) {
    const name = below + shown(entry.name)
    const failure = isFailure(error)
      ? error
      : new Failure('MEDIA_NAME_INVALID', `${JSON.stringify(name)} is no name of a media file: it is not valid UTF-8 text`)
    faults.push({ name, failure })
    return null
  }
}

function take(folder: string, name: MediaName, entry: Dirent<Buffer>, batch: ReturnType<typeof emptyBatch>): void {
  if (!entry.isFile()) {
    batch.ignored++
    return
  }
  try {
    const stat = lstatOf(`${folder}/${name}`)
    if (stat?.isFile()) batch.files.push({ name, nameHash: hashName(name), bytes: Number(stat.size), identity: identityOf(stat) })
  } catch (error) {
    batch.faults.push({ name, failure: unreadable(`${folder}/${name}`, error) })
  }
}

/** Null when there is no file. @throws {Failure} MEDIA_UNREADABLE */
export function localIdentity(path: string): string | null {
  try {
    const stat = lstatOf(path)
    return stat?.isFile() ? identityOf(stat) : null
  } catch (error) {
    throw unreadable(path, error)
  }
}

function lstatOf(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })
}

export function unreadable(path: string, error: unknown): Failure {
  return new Failure('MEDIA_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, { cause: error, hint: 'check its rights' })
}

/** For who would take each file below it for gone. */
export function folderAway(folder: string): Failure {
  return new Failure(
    'UNAVAILABLE',
    `the folder ${folder} is away, and the journal has files in it: nothing of it is taken for gone`,
    {
      hint: 'mount its disk; when the files are gone for good, make it an empty folder',
    },
  )
}

/** Bytes as text that people can type back. */
function shown(name: Buffer): string {
  const text = name.toString('latin1')
  return text.replace(/[^\x20-\x7e]|\\/g, byte =>
    byte === '\\' ? '\\\\' : `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
