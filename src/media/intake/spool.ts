import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Failure } from '../../kernel/errors.js'
import type { Source } from '../disks/driver.js'
import type { DownloadSink } from './download.js'
import { HEAD_BYTES, type SniffedType, sniff } from './sniff.js'

/** What is larger goes through a file: many are on their way at the same time. */
const HELD_BYTES = 512 * 1024
const READ_BYTES = 256 * 1024

export interface SpoolOptions {
  /** Where large ones are kept meanwhile; it need not be there. */
  readonly folder: string
  /** Judges the type as soon as it can be told; a refusal ends the download. @throws {Failure} MEDIA_REFUSED */
  readonly judge: (type: SniffedType | null) => SniffedType
}

/** The bytes of a file between their download and the disk they go to. They are gone when it is disposed of, or the process ends. */
export class Spool implements DownloadSink, AsyncDisposable {
  bytes = 0
  /** Why it could not take what came: then nothing is to be made of the download. */
  fault: unknown = null
  private chunks: Uint8Array[] = []
  private file: FileHandle | null = null
  private keeping: Promise<void> = Promise.resolve()
  private verdict: SniffedType | null = null
  private readonly sha256 = createHash('sha256')
  private readonly md5 = createHash('md5')

  constructor(private readonly options: SpoolOptions) {}

  async write(chunk: Uint8Array): Promise<void> {
    const judged = this.bytes >= HEAD_BYTES
    this.bytes += chunk.byteLength
    this.sha256.update(chunk)
    this.md5.update(chunk)
    this.keeping = this.keep(chunk)
    await this.keeping
    if (!judged && this.bytes >= HEAD_BYTES) await this.type()
  }

  /** What it is. @throws {Failure} MEDIA_REFUSED */
  async type(): Promise<SniffedType> {
    this.verdict ??= this.options.judge(await sniff(this.head()))
    return this.verdict
  }

  /** Hex; once, when everything has come. */
  digests(): { sha256: string; md5: string } {
    return { sha256: this.sha256.digest('hex'), md5: this.md5.digest('hex') }
  }

  source(): Source {
    const { bytes, file } = this
    if (file !== null) {
      return { bytes, whole: null, open: (from, to) => Readable.from(rangeOf(file, from, to), { objectMode: false }) }
    }
    const whole = Buffer.concat(this.chunks, bytes)
    return { bytes, whole, open: (from, to) => Readable.from([whole.subarray(from, to)], { objectMode: false }) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever gave up the download did not wait for what was being written, nor for the file that was being opened.
    await this.keeping.catch(() => {})
    this.chunks = []
    await this.file?.close()
  }

  private async keep(chunk: Uint8Array): Promise<void> {
    if (this.file === null) this.chunks.push(chunk)
    if (this.file === null && this.bytes <= HELD_BYTES) return
    try {
      if (this.file !== null) await this.file.appendFile(chunk)
      else {
        this.file = await nameless(this.options.folder)
        for (const held of this.chunks) await this.file.appendFile(held)
        this.chunks = [this.head()]
      }
    } catch (error) {
      this.fault = diskFault(error, this.options.folder)
      throw this.fault
    }
  }

  private head(): Uint8Array {
    const first = this.chunks[0]
    if (first !== undefined && first.byteLength >= HEAD_BYTES) return first.subarray(0, HEAD_BYTES)
    return Buffer.concat(this.chunks).subarray(0, HEAD_BYTES)
  }
}

/** Leaves the file open: it may be read again. */
async function* rangeOf(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(Math.min(READ_BYTES, to - at)), 0, undefined, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** A file that nothing but this handle leads to: the system removes it with the handle, however the process ends. */
async function nameless(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, randomUUID())
  const file = await open(path, 'wx+', 0o600)
  await unlink(path)
  return file
}

function diskFault(error: unknown, folder: string): Failure {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT') return new Failure('DISK_FULL', `no space is left in ${folder}`, { cause: error })
  return new Failure('UNAVAILABLE', `cannot write in ${folder}: ${(error as Error).message}`, { cause: error })
}
