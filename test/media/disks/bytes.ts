import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Disk, ObjectFacts, Source, Stat } from '../../../src/media/disks/driver.js'
import { type MediaKey, mediaKey, parseMediaName, tenantPrefix } from '../../../src/media/names.js'
import type { TenantId } from '../../../src/tenants/ids.js'

export const calm: AbortSignal = new AbortController().signal

/** A key of the tenant with that number. */
export function key(tenant: number, name: string): MediaKey {
  return mediaKey(tenant as TenantId, parseMediaName(name))
}

export function factsOf(bytes: Uint8Array, type = 'image/png'): ObjectFacts {
  return { type, md5: hash('md5', bytes), sha256: hash('sha256', bytes) }
}

/** A source that is at hand as a whole. */
export function held(bytes: Uint8Array): Source {
  return { bytes: bytes.length, whole: bytes, open: (from, to) => Readable.from(chunksOf(bytes.subarray(from, to))) }
}

/** A source that can only be streamed. `opened` counts how often it was. */
export function streamed(bytes: Uint8Array): Source & { opened: { from: number; to: number }[] } {
  const opened: { from: number; to: number }[] = []
  return {
    bytes: bytes.length,
    whole: null,
    opened,
    open: (from, to) => {
      opened.push({ from, to })
      return Readable.from(chunksOf(bytes.subarray(from, to)))
    },
  }
}

/** A source that fails with the error after its first chunk. */
export function failing(bytes: Uint8Array, error: Error): Source {
  return {
    bytes: bytes.length,
    whole: null,
    open: from =>
      Readable.from(
        (async function* () {
          yield bytes.subarray(from, from + 10)
          throw error
        })(),
      ),
  }
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

export async function put(disk: Disk, at: MediaKey, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  await disk.put(at, held(bytes), factsOf(bytes), calm)
}

/** The text of the object; null when there is none. */
export async function get(disk: Disk, at: MediaKey): Promise<string | null> {
  const reading = await disk.read(at, null, calm)
  return reading === null ? null : (await buffer(reading.stream)).toString()
}

export async function listed(disk: Disk, tenant: number, after: MediaKey | null = null): Promise<Stat[]> {
  const found: Stat[] = []
  for await (const stat of disk.list(tenantPrefix(tenant as TenantId), after, calm)) found.push(stat)
  return found
}

export async function namesIn(disk: Disk, tenant: number, after: MediaKey | null = null): Promise<string[]> {
  return (await listed(disk, tenant, after)).map(stat => stat.key.slice(`${tenant}/`.length))
}
