import { setMaxListeners } from 'node:events'
import { constants, lstat, open, rmdir, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Failure, wordsOf } from '../../kernel/errors.js'
import type { MediaKey, TenantPrefix } from '../names.js'
import type { ByteRange, LocalDisk, ObjectFacts, Reading, Source, Stat } from './driver.js'
import { exactly } from './exact.js'
import { filesBelow } from './local-list.js'
import { codeOf, diskFailure, isAbsent, isItself, type Place, placeOf } from './local-paths.js'
import { sweepLeftovers, writeWhole } from './local-write.js'
import { within } from './range.js'

const NO_FOLDER = new Set(['EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY'])
const REMOVALS_AT_ONCE = 16

/** The local disk below the folder, which is made with the first file. `held`: names of one folder that a listing holds. */
export class Folder implements LocalDisk {
  readonly name = 'local'
  readonly folder: string
  private readonly swept = new Set<string>()

  constructor(
    folder: string,
    private readonly held?: number,
  ) {
    this.folder = resolve(folder)
  }

  put(key: MediaKey, source: Source, facts: ObjectFacts, signal: AbortSignal): Promise<{ readonly etag: string | null }> {
    return this.asking(async () => {
      const place = placeOf(this.folder, key)
      signal.throwIfAborted()
      if ((await isItself(this.folder, place.parent)) === false) throw leadsAway(place.parent)
      try {
        await writeWhole(place, source, facts, signal)
      } catch (error) {
        if (NO_FOLDER.has(codeOf(error))) throw taken(key, error)
        throw error
      }
      return { etag: null }
    })
  }

  stat(key: MediaKey, signal: AbortSignal): Promise<Stat | null> {
    return this.asking(async () => {
      signal.throwIfAborted()
      const place = placeOf(this.folder, key)
      if (!(await isItself(this.folder, place.parent))) return null
      const stat = await lstat(place.file).catch(nullWhenAbsent)
      if (!stat?.isFile()) return null
      return { key, bytes: stat.size, modifiedAt: Math.floor(stat.mtimeMs), etag: null }
    })
  }

  read(key: MediaKey, range: ByteRange | null, signal: AbortSignal): Promise<Reading | null> {
    return this.asking(async () => {
      signal.throwIfAborted()
      const place = placeOf(this.folder, key)
      if (!(await isItself(this.folder, place.parent))) return null
      // O_NONBLOCK: opening a pipe that stands there by mistake does not wait for its writer.
      const file = await open(place.file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(nullWhenAbsent)
      if (file === null) return null
      try {
        const stat = await file.stat()
        if (!stat.isFile()) return await file.close().then(() => null)
        const part = within(range, stat.size)
        const bytes = part === null ? stat.size : part.last - part.first + 1
        const start = part?.first ?? 0
        setMaxListeners(0, signal)
        const from = file.createReadStream({ start, end: Math.max(start, start + bytes - 1), signal })
        const stream = exactly(from, bytes, error => (signal.aborted ? signal.reason : diskFailure(error, this.folder)))
        return { bytes: stat.size, modifiedAt: Math.floor(stat.mtimeMs), etag: null, type: null, stream }
      } catch (error) {
        await file.close()
        throw error
      }
    })
  }

  async *list(prefix: TenantPrefix, after: MediaKey | null, signal: AbortSignal): AsyncGenerator<Stat> {
    const tenant = join(this.folder, prefix.slice(0, -1))
    const mark = after === null ? null : Buffer.from(after)
    const own = Buffer.from(prefix)
    try {
      signal.throwIfAborted()
      // A mark before all of the tenant's keys passes over nothing, one after them passes over all.
      if (mark !== null && !mark.subarray(0, own.length).equals(own) && Buffer.compare(mark, own) > 0) return
      const is = await isItself(this.folder, tenant)
      if (is === false) throw leadsAway(tenant)
      if (is === null) return
      await this.sweep(tenant)
      const inside = mark?.subarray(0, own.length).equals(own) ? mark.subarray(own.length) : null
      const held = this.held === undefined ? {} : { held: this.held }
      for await (const found of filesBelow(tenant, { after: inside, signal, ...held })) {
        const key = (prefix + found.name.toString('utf8')) as MediaKey
        yield { key, bytes: found.bytes, modifiedAt: found.modifiedAt, etag: null }
      }
    } catch (error) {
      throw diskFailure(error, this.folder)
    }
  }

  remove(keys: readonly MediaKey[], signal: AbortSignal): Promise<void> {
    return this.asking(async () => {
      const places = keys.map(key => placeOf(this.folder, key))
      for (let next = 0; next < places.length; next += REMOVALS_AT_ONCE) {
        signal.throwIfAborted()
        await Promise.all(places.slice(next, next + REMOVALS_AT_ONCE).map(place => this.removeOne(place)))
      }
    })
  }

  async close(): Promise<void> {}

  /** The file, and the folders of the tenant that are empty then. */
  private async removeOne(place: Place): Promise<void> {
    if (!(await isItself(this.folder, place.parent))) return
    const stat = await lstat(place.file).catch(nullWhenAbsent)
    if (!stat?.isFile()) return
    await unlink(place.file).catch(nullWhenAbsent)
    for (let above = place.parent; above.length >= place.tenant.length; above = dirname(above)) {
      const gone = await rmdir(above).then(
        () => true,
        error => isAbsent(error),
      )
      if (!gone) return
    }
  }

  private async sweep(tenant: string): Promise<void> {
    if (this.swept.has(tenant)) return
    this.swept.add(tenant)
    await sweepLeftovers(tenant, Date.now())
  }

  private async asking<T>(deed: () => Promise<T>): Promise<T> {
    try {
      return await deed()
    } catch (error) {
      throw diskFailure(error, this.folder)
    }
  }
}

function nullWhenAbsent(error: unknown): null {
  if (isAbsent(error)) return null
  throw error
}

function leadsAway(folder: string): Failure {
  return new Failure('UNAVAILABLE', `${folder} is not a folder of its own: a symbolic link leads away from it`)
}

function taken(key: string, error: unknown): Failure {
  return new Failure('MEDIA_NAME_INVALID', `the local disk has no place for ${JSON.stringify(key)}: ${wordsOf(error)}`, {
    cause: error,
  })
}
