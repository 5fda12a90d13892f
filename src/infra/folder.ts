import { createHash } from 'node:crypto'
import { chmod, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { Failure, wordsOf } from '../kernel/errors.js'
import { makeFolder } from '../kernel/folders.js'
import { writeWhole } from '../kernel/whole-file.js'
import type { RenderedFile } from './files.js'

/** In every rendered folder: what is there of a rendering, by path and SHA-256. While one is written a file may be the one before, or the new one. */
export const MANIFEST = 'feedctl-infra.json'
const manifestSchema = z.object({ phase: z.string(), files: z.record(z.string(), z.array(z.string())) })
/** Of a write that was killed. */
const PART = /^\..+\.[0-9a-f]{12}\.part$/
const SHOWN = 5
const FOLDER_MODE = 0o755

export interface Written {
  readonly created: number
  readonly replaced: number
  readonly unchanged: number
  readonly removed: number
}

/** What is in a folder beside the renderings of feedctl, by path. */
export interface Foreign {
  /** That no rendering wrote. */
  readonly unknown: readonly string[]
  /** That a rendering wrote, and somebody changed. */
  readonly changed: readonly string[]
}

/** @throws {Failure} FILE_UNREADABLE */
export async function foreignIn(folder: string): Promise<Foreign> {
  const known = await readManifest(folder)
  const unknown: string[] = []
  const changed: string[] = []
  for (const path of await filesIn(folder)) {
    const sums = known[path]
    if (path === MANIFEST || PART.test(path.split('/').at(-1) ?? '')) continue
    if (sums === undefined) unknown.push(path)
    else if (!sums.includes(sumOf(await readFile(join(folder, path))))) changed.push(path)
  }
  return { unknown, changed }
}

/** Null when nothing is in the way, else in words. */
export function wordsOfForeign({ unknown, changed }: Foreign): string | null {
  const some = (paths: readonly string[]) =>
    `${paths.slice(0, SHOWN).join(', ')}${paths.length > SHOWN ? ` and ${paths.length - SHOWN} more` : ''}`
  const words = [
    ...(unknown.length === 0 ? [] : [`files that no rendering wrote: ${some(unknown)}`]),
    ...(changed.length === 0 ? [] : [`files that were changed since: ${some(changed)}`]),
  ]
  return words.length === 0 ? null : words.join('; ')
}

/**
 * Writes the files, each of them whole, and removes those of an earlier rendering that are no more; what no rendering wrote stays, unless a file takes its
 * place. A write that was killed is completed by the same again.
 * @throws {Failure} FILE_UNREADABLE where it cannot be written, DISK_FULL
 */
export async function writeFolder(folder: string, phase: string, files: readonly RenderedFile[]): Promise<Written> {
  makeFolders(folder)
  const before = await readManifest(folder)
  const sums = new Map(files.map(file => [file.path, sumOf(Buffer.from(file.text))]))
  const paths = [...new Set([...Object.keys(before), ...sums.keys()])].sort()
  const both = paths.map(path => [path, [...new Set([...(before[path] ?? []), ...(sums.has(path) ? [sums.get(path)] : [])])]])
  await writeManifest(folder, phase, Object.fromEntries(both))
  let [created, replaced, unchanged, removed] = [0, 0, 0, 0]
  for (const { path, text, mode } of files) {
    const there = await readFile(join(folder, path)).catch(() => null)
    if (there === null) created++
    else if (there.equals(Buffer.from(text))) unchanged++
    else replaced++
    await writeFor(folder, path, mode, text)
  }
  for (const path of paths.filter(known => !sums.has(known))) {
    await rm(join(folder, path), { force: true })
    await removeEmpty(folder, dirname(path))
    removed++
  }
  await writeManifest(folder, phase, Object.fromEntries([...sums].sort().map(([path, sum]) => [path, [sum]])))
  return { created, replaced, unchanged, removed }
}

/** With the modes that the machines are to have, whatever the umask is. */
async function writeFor(folder: string, path: string, mode: number, text: string): Promise<void> {
  makeFolders(dirname(join(folder, path)))
  for (let at = dirname(path); at !== '.' && at !== ''; at = dirname(at)) await chmod(join(folder, at), FOLDER_MODE)
  await writeWhole(join(folder, path), { replace: true, mode }, async file => {
    await file.chmod(mode)
    await file.writeFile(text)
  })
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(error => {
    if (error.code === 'ENOENT') return []
    throw new Failure('FILE_UNREADABLE', `cannot read ${folder}: ${wordsOf(error)}`, { cause: error })
  })
  return entries
    .filter(entry => !entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length).replace(/^\/+/, ''))
    .sort()
}

async function readManifest(folder: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => null)
  if (text === null) return {}
  try {
    return manifestSchema.parse(JSON.parse(text)).files
  } catch {
    return {}
  }
}

async function writeManifest(folder: string, phase: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  const text = `${JSON.stringify({ phase, files }, null, 1)}\n`
  await writeWhole(join(folder, MANIFEST), { replace: true }, file => file.writeFile(text))
}

function makeFolders(path: string): void {
  try {
    makeFolder(path)
  } catch (error) {
    throw new Failure('FILE_UNREADABLE', `cannot make the folder ${path}: ${wordsOf(error)}`, { cause: error })
  }
}

/** Folders that were of a removed file only. */
async function removeEmpty(folder: string, path: string): Promise<void> {
  for (let at = path; at !== '.' && at !== ''; at = dirname(at)) {
    if (
      !(await rmdir(join(folder, at)).then(
        () => true,
        () => false,
      ))
    )
      return
  }
}

function sumOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex')
}
