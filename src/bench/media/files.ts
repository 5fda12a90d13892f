import { createHash, randomBytes } from 'node:crypto'
import { link, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { contentName, type MediaName } from '../../media/names.js'
import type { TenantId } from '../../tenants/ids.js'
import type { Shape } from './load.js'

const JPEG_START = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex')
const POOL_BYTES = 1_048_576
const LINKS_AT_ONCE = 64

/** A file that was generated: no two have the same content. */
export interface MadeFile {
  readonly name: MediaName
  /** Hex. */
  readonly md5: string
  readonly bytes: number
}

/** Writes files that cannot be compressed, and look like pictures, as `<folder>/<name>`. @throws the signal's reason */
export async function makeFiles(folder: string, { files, bytes }: Shape, signal: AbortSignal): Promise<MadeFile[]> {
  const pool = randomBytes(POOL_BYTES)
  const made: MadeFile[] = []
  for (let number = 0; number < files; number += 1) {
    signal.throwIfAborted()
    const content = contentOf(number, bytes, pool)
    const name = contentName(createHash('sha256').update(content).digest('hex'), 'jpg')
    const path = join(folder, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
    made.push({ name, md5: createHash('md5').update(content).digest('hex'), bytes })
  }
  return made
}

function contentOf(number: number, bytes: number, pool: Buffer): Buffer {
  const content = Buffer.allocUnsafe(bytes)
  for (let at = 0; at < bytes; at += pool.length) pool.copy(content, at)
  JPEG_START.copy(content)
  const mark = Buffer.from(`${number}`.padStart(10, '0'))
  mark.copy(content, Math.min(JPEG_START.length, Math.max(0, bytes - mark.length)))
  return content
}

/** Gives each tenant its files, in turns, as `<media>/<tenant>/<name>`, without another copy; answers whose each is. */
export async function dealFiles(
  from: string,
  media: string,
  files: readonly MadeFile[],
  tenants: readonly TenantId[],
): Promise<Map<TenantId, MadeFile[]>> {
  const dealt = new Map(tenants.map((tenant, n) => [tenant, files.filter((_, at) => at % tenants.length === n)]))
  for (const [tenant, ofTenant] of dealt) {
    const folder = join(media, `${tenant}`)
    const folders = new Set(ofTenant.map(({ name }) => dirname(join(folder, name))))
    for (const each of folders) await mkdir(each, { recursive: true })
    for (let at = 0; at < ofTenant.length; at += LINKS_AT_ONCE)
      await Promise.all(ofTenant.slice(at, at + LINKS_AT_ONCE).map(({ name }) => link(join(from, name), join(folder, name))))
  }
  return dealt
}
