import { createHash, hash, randomBytes } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { type FileHandle, open, opendir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../kernel/errors.js'
import type { ObjectFacts, Source } from './driver.js'
import { isAbsent, makeFolder, type Place, syncFolder } from './local-paths.js'

const TRIES = 4
/** A file that is being written this long is one that nobody writes any more. */
const LEFTOVER_MS = 24 * 3600_000
const LEFTOVER = /^\.feedctl-([0-9a-z]+)-[0-9a-f]{16}$/

/** Writes the file whole or not at all. @throws {Failure} MEDIA_CORRUPT, those of the source; else as the file system says it */
export async function writeWhole(place: Place, source: Source, facts: ObjectFacts, signal: AbortSignal): Promise<void> {
  const aside = join(place.tenant, asideName())
  try {
    await again(async () => {
      await makeFolder(place.parent)
      await writeAside(aside, source, facts, signal)
    })
    // Whoever removes the last file of a folder removes the folder too.
    await again(async () => {
      await makeFolder(place.parent)
      await rename(aside, place.file)
    })
  } catch (error) {
    await rm(aside, { force: true }).catch(() => {})
    throw error
  }
  await syncFolder(place.parent)
}

async function again(deed: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await deed()
    } catch (error) {
      if (attempt >= TRIES || !isAbsent(error)) throw error
    }
  }
}

async function writeAside(aside: string, source: Source, facts: ObjectFacts, signal: AbortSignal): Promise<void> {
  const file = await open(aside, 'wx', 0o644)
  try {
    const md5 = source.whole === null ? await writeStream(file, source, signal) : await writeBytes(file, source.whole)
    if (md5 !== facts.md5) throw new Failure('MEDIA_CORRUPT', `the bytes to store have the MD5 ${md5}, not ${facts.md5}`)
    signal.throwIfAborted()
    await file.sync()
  } catch (error) {
    await file.close()
    await rm(aside, { force: true })
    throw error
  }
  await file.close()
}

async function writeBytes(file: FileHandle, bytes: Uint8Array): Promise<string> {
  await file.writeFile(bytes)
  return hash('md5', bytes)
}

async function writeStream(file: FileHandle, source: Source, signal: AbortSignal): Promise<string> {
  const md5 = createHash('md5')
  const stream = source.open(0, source.bytes)
  const end = () => stream.destroy(signal.reason)
  setMaxListeners(0, signal)
  signal.addEventListener('abort', end, { once: true })
  try {
    signal.throwIfAborted()
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      md5.update(chunk)
      await file.writeFile(chunk)
    }
  } finally {
    signal.removeEventListener('abort', end)
    stream.destroy()
  }
  return md5.digest('hex')
}

function asideName(): string {
  return `.feedctl-${Date.now().toString(36)}-${randomBytes(8).toString('hex')}`
}

/** Removes what writers that were killed left in the tenant's folder, once it is a day old. */
export async function sweepLeftovers(tenant: string, now: number): Promise<void> {
  try {
    for await (const entry of await opendir(tenant)) {
      const begun = LEFTOVER.exec(entry.name)?.[1]
      if (begun !== undefined && now - Number.parseInt(begun, 36) > LEFTOVER_MS)
        await rm(join(tenant, entry.name), { force: true })
    }
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}
