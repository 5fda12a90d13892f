import { close, constants, fstat, open, read } from 'node:fs'
import { Readable } from 'node:stream'
import { Failure } from '../../kernel/errors.js'
import type { Source } from '../disks/driver.js'
import { identityOf } from '../identity.js'
import { unreadable } from './local-files.js'

const CHUNK_BYTES = 256 * 1024

/** Bytes that are held. */
export function heldSource(content: Uint8Array): Source {
  return {
    bytes: content.byteLength,
    whole: content,
    open: (from, to) => Readable.from([Buffer.from(content.subarray(from, to))]),
  }
}

/** A file that is read while it is sent: a stream of it fails with MEDIA_CHANGED when it is not the file, or not as long, as it was. */
export function fileSource(path: string, file: { readonly bytes: number; readonly identity: string }): Source {
  return { bytes: file.bytes, whole: null, open: (from, to) => new FileStream(path, file.identity, from, to) }
}

class FileStream extends Readable {
  private file: number | null = null

  constructor(
    private readonly path: string,
    private readonly identity: string,
    private at: number,
    private readonly end: number,
  ) {
    super({ highWaterMark: CHUNK_BYTES })
  }

  override _construct(done: (error?: Error | null) => void): void {
    open(this.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK, (error, file) => {
      if (error !== null) return done(error.code === 'ENOENT' ? this.changed() : unreadable(this.path, error))
      this.file = file
      this.check(file, done)
    })
  }

  override _read(size: number): void {
    const { file } = this
    if (file === null) return
    if (this.at >= this.end) {
      this.check(file, error => void (error ? this.destroy(error) : this.push(null)))
      return
    }
    const wanted = Math.min(Math.max(size, CHUNK_BYTES), this.end - this.at)
    read(file, Buffer.allocUnsafeSlow(wanted), 0, wanted, this.at, (error, got, buffer) => {
      if (error !== null) return this.destroy(unreadable(this.path, error))
      if (got === 0) return this.destroy(this.changed())
      this.at += got
      this.push(got < wanted ? buffer.subarray(0, got) : buffer)
    })
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.file === null) done(error)
    else close(this.file, () => done(error))
    this.file = null
  }

  private check(file: number, done: (error?: Error | null) => void): void {
    fstat(file, { bigint: true }, (error, stat) => {
      if (error !== null) done(unreadable(this.path, error))
      else done(identityOf(stat) === this.identity ? null : this.changed())
    })
  }

  private changed(): Failure {
    return new Failure('MEDIA_CHANGED', `${this.path} changed while it was uploaded`)
  }
}
