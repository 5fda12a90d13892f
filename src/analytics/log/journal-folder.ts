import { readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { holderIsGone } from '../../kernel/holder.js'
import { payloadsIn } from './records.js'
import { askedName, type Segment, sealedName, segmentOf } from './segments.js'

/** A holder that may live, elsewhere or under its number's next owner, and has not touched its segment for so long is dead: it seals, or touches, every few seconds. */
const DEAD_AFTER_MS = 60_000

/** Reads and renames segments. A rename is what decides between several who want the same one. */
export class JournalFolder {
  constructor(readonly path: string) {}

  /** Oldest first; none where there is no folder. */
  async list(): Promise<Segment[]> {
    const names = await this.names()
    return names.flatMap(name => segmentOf(name) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** Of all files. */
  async names(): Promise<string[]> {
    try {
      return await readdir(this.path)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  }

  at(name: string): string {
    return join(this.path, name)
  }

  /** False when it is not there any more. */
  async rename(from: string, to: string): Promise<boolean> {
    return isThere(rename(this.at(from), this.at(to)))
  }

  async remove(name: string): Promise<boolean> {
    return isThere(unlink(this.at(name)))
  }

  async touch(name: string): Promise<boolean> {
    const now = new Date()
    return isThere(utimes(this.at(name), now, now))
  }

  read(name: string): Promise<Buffer> {
    return readFile(this.at(name))
  }

  /** Bytes; null when it is not there any more. */
  async size(name: string): Promise<number | null> {
    return (await this.stat(name))?.size ?? null
  }

  /** Makes what dead processes held wait again. */
  async recover(): Promise<void> {
    const segments = await this.list()
    const open = new Set(segments.flatMap(({ state, id }) => (state === 'open' ? id : [])))
    for (const segment of segments) {
      if (segment.state === 'asked' && !open.has(segment.id)) await this.remove(segment.name)
      if (segment.holder === null || !(await this.isDead(segment, segment.holder))) continue
      const batches = segment.batches ?? (await this.countBatches(segment.name))
      // A file is made before anything is written to it.
      if (batches === 0) await this.remove(segment.name)
      else if (batches !== null) await this.rename(segment.name, sealedName(segment.id, batches))
    }
  }

  /** Whole ones; null when it is not there any more. */
  async countBatches(name: string): Promise<number | null> {
    try {
      return payloadsIn(await this.read(name)).length
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    }
  }

  /** Wants the owner of the segment to seal it; whoever wanted it takes the wish back with `remove(askedName(id))`. */
  async ask(id: string): Promise<void> {
    await writeFile(this.at(askedName(id)), '', { mode: 0o600 })
  }

  private async isDead({ name }: Segment, holder: string): Promise<boolean> {
    if (holderIsGone(holder)) return true
    const found = await this.stat(name)
    return found !== null && Date.now() - found.mtimeMs > DEAD_AFTER_MS
  }

  private async stat(name: string): Promise<{ size: number; mtimeMs: number } | null> {
    try {
      return await stat(this.at(name))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null
      throw error
    }
  }
}

async function isThere(deed: Promise<void>): Promise<boolean> {
  try {
    await deed
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** What an error of the file system means to whoever appends or takes. */
export function journalFailure(error: unknown, folder: string): unknown {
  const code = codeOf(error)
  if (error instanceof Failure || code === '') return error
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new Failure('DISK_FULL', `the disk of ${folder} is full`, {
      hint: 'make room, or move FEEDCTL_DATA to a larger disk',
      cause: error,
    })
  }
  return new Failure('UNAVAILABLE', `the journal of events refuses: ${wordsOf(error)}`, {
    hint: `let this user write to ${folder}`,
    cause: error,
  })
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
