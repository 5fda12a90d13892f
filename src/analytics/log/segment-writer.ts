import { existsSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { steady } from '../../kernel/clock.js'
import { Failure } from '../../kernel/errors.js'
import { makeFolder } from '../../kernel/folders.js'
import { type JournalFolder, journalFailure } from './journal-folder.js'
import { askedName, newSegmentId, openName, sealedName } from './segments.js'

/** One that has so many bytes, or is so old, is sealed: it can be taken then. */
const SEALED_AT_BYTES = 2 * 1024 * 1024
const SEALED_AFTER_MS = 15_000
/** How often is looked whether somebody asks for it. */
const LOOK_MS = 50

interface OpenSegment {
  readonly id: string
  readonly name: string
  readonly file: FileHandle
  readonly openedAt: number
  readonly looking: NodeJS.Timeout
  bytes: number
  batches: number
}

interface Waiting {
  readonly record: Buffer
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Appends records to segments of this process's own. All that arrive while the disk syncs share the next sync. */
export class SegmentWriter {
  private waiting: Waiting[] = []
  private segment: OpenSegment | null = null
  /** The end of what was begun last: one thing is done to the segment at a time. */
  private turn: Promise<unknown> = Promise.resolve()

  constructor(
    private readonly folder: JournalFolder,
    private readonly holder: string,
  ) {}

  /** Resolves when the record is on the disk. @throws {Failure} DISK_FULL, UNAVAILABLE */
  append(record: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ record, resolve, reject })
      if (this.waiting.length === 1) void this.next(() => this.commit())
    })
  }

  /** What was appended so far can be taken now. */
  seal(): Promise<void> {
    return this.next(() => this.sealNow())
  }

  private next<T>(deed: () => Promise<T>): Promise<T> {
    const end = this.turn.then(deed)
    this.turn = end.catch(() => {})
    return end
  }

  private async commit(): Promise<void> {
    const waiting = this.waiting.splice(0, this.nextCount())
    if (this.waiting.length > 0) void this.next(() => this.commit())
    try {
      this.segment ??= await this.begin()
      const { segment } = this
      const bytes = Buffer.concat(waiting.map(({ record }) => record))
      await segment.file.appendFile(bytes)
      await segment.file.datasync()
      // Who was stopped for a minute may have been taken for dead, and its segment been read and removed since.
      if (!existsSync(this.folder.at(segment.name))) throw new Failure('UNAVAILABLE', 'the segment of the journal was taken away')
      segment.bytes += bytes.length
      segment.batches += waiting.length
    } catch (error) {
      // What follows half a record would not be read.
      await this.sealNow().catch(() => {})
      for (const { reject } of waiting) reject(journalFailure(error, this.folder.path))
      return
    }
    for (const { resolve } of waiting) resolve()
    if (this.segment.bytes >= SEALED_AT_BYTES) await this.sealNow().catch(() => {})
  }

  /** Of many that come at once as many as make a segment: what is taken is taken by the segment. */
  private nextCount(): number {
    let bytes = 0
    const end = this.waiting.findIndex(({ record }) => {
      const isEnough = bytes >= SEALED_AT_BYTES
      bytes += record.length
      return isEnough
    })
    return end < 0 ? this.waiting.length : end
  }

  private async begin(): Promise<OpenSegment> {
    makeFolder(this.folder.path, 0o700)
    const id = newSegmentId(Date.now())
    const name = openName(id, this.holder)
    const file = await open(this.folder.at(name), 'ax', 0o600)
    const looking = setInterval(() => this.look(), LOOK_MS).unref()
    const segment = { id, name, file, openedAt: steady(), looking, bytes: 0, batches: 0 }
    try {
      await syncFolder(this.folder.path)
      return segment
    } catch (error) {
      await this.leave(segment)
      throw error
    }
  }

  private look(): void {
    const { segment } = this
    if (segment === null) return
    const isAsked = existsSync(this.folder.at(askedName(segment.id)))
    if (isAsked || steady() - segment.openedAt >= SEALED_AFTER_MS) void this.seal().catch(() => {})
  }

  private async sealNow(): Promise<void> {
    const { segment } = this
    this.segment = null
    if (segment !== null) await this.leave(segment)
  }

  /** If it cannot be renamed now, it is taken for one of a dead process later. */
  private async leave({ id, name, file, looking, batches }: OpenSegment): Promise<void> {
    clearInterval(looking)
    await file.close()
    if (batches === 0) await this.folder.remove(name)
    else await this.folder.rename(name, sealedName(id, batches))
  }
}

/** The names in it, too, are to survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
