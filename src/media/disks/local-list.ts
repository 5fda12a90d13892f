import type { Stats } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { RESERVED_SEGMENT } from '../names.js'
import { isAbsent } from './local-paths.js'

/** Names of one folder that are held at once, at least; a folder of more is read again for the next ones. */
const HELD = 20_000
const STATS_AT_ONCE = 32
const SLASH = Buffer.from('/')

export interface FoundFile {
  /** Below the folder that was listed. */
  readonly name: Buffer
  readonly bytes: number
  readonly modifiedAt: number
}

export interface ListOptions {
  /** Only what is after this name. */
  readonly after: Buffer | null
  readonly signal: AbortSignal
  readonly held?: number
}

/**
 * Every regular file below the folder, in the order of the names' bytes (`a-b` is before `a/b`), holding a bounded number of names. Symbolic links and what
 * is no file are not there; nor is what the disk keeps for itself. A folder that is not there has no files.
 */
export async function* filesBelow(folder: string, options: ListOptions): AsyncGenerator<FoundFile> {
  const root = Buffer.from(`${folder}/`)
  yield* walk(root, Buffer.alloc(0), options)
}

async function* walk(root: Buffer, within: Buffer, options: ListOptions): AsyncGenerator<FoundFile> {
  const held = options.held ?? HELD
  const prefix = options.after?.subarray(0, within.length)
  // Of a folder that begins before the mark and holds it, what is before the mark is passed over.
  let from = options.after !== null && prefix?.equals(within) ? options.after.subarray(within.length) : null
  for (;;) {
    options.signal.throwIfAborted()
    const { entries, more } = await smallest(Buffer.concat([root, within]), from, held)
    yield* inTurn(root, within, entries, options)
    const last = entries.at(-1)
    if (!more || last === undefined) return
    from = last
  }
}

/** Files of the entries; folders, which end with a slash, are walked at their place. */
async function* inTurn(
  root: Buffer,
  within: Buffer,
  entries: readonly Buffer[],
  options: ListOptions,
): AsyncGenerator<FoundFile> {
  let files: Buffer[] = []
  for (const entry of entries) {
    const name = Buffer.concat([within, entry])
    if (entry.at(-1) !== SLASH[0]) files.push(name)
    else {
      yield* stats(root, files)
      files = []
      yield* walk(root, name, options)
    }
    if (files.length >= STATS_AT_ONCE) {
      options.signal.throwIfAborted()
      yield* stats(root, files)
      files = []
    }
  }
  yield* stats(root, files)
}

async function* stats(root: Buffer, names: readonly Buffer[]): AsyncGenerator<FoundFile> {
  const found = await Promise.all(names.map(name => lstatWhenThere(Buffer.concat([root, name]))))
  for (const [index, stat] of found.entries()) {
    const name = names[index]
    if (name !== undefined && stat?.isFile()) yield { name, bytes: stat.size, modifiedAt: Math.floor(stat.mtimeMs) }
  }
}

async function lstatWhenThere(path: Buffer): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

/** The first entries of a folder after the mark, sorted; folders with a slash at their end. A folder that leads to the mark is among them. */
async function smallest(folder: Buffer, after: Buffer | null, held: number): Promise<{ entries: Buffer[]; more: boolean }> {
  let entries: Buffer[] = []
  let largest: Buffer | null = null
  let more = false
  const cut = (): void => {
    entries.sort(Buffer.compare)
    if (entries.length <= held) return
    entries = entries.slice(0, held)
    largest = entries.at(-1) ?? null
    more = true
  }
  for await (const entry of entriesOf(folder)) {
    if (after !== null && !isAfter(entry, after)) continue
    if (largest !== null && Buffer.compare(entry, largest) > 0) continue
    entries.push(entry)
    if (entries.length >= 2 * held) cut()
  }
  cut()
  return { entries, more }
}

function isAfter(entry: Buffer, mark: Buffer): boolean {
  if (Buffer.compare(entry, mark) > 0) return true
  // The mark is within this folder, not the folder itself.
  return entry.at(-1) === SLASH[0] && mark.length > entry.length && mark.subarray(0, entry.length).equals(entry)
}

async function* entriesOf(folder: Buffer): AsyncGenerator<Buffer> {
  try {
    // The types know of text only.
    const found = await opendir(folder as unknown as string, { encoding: 'buffer' as BufferEncoding, bufferSize: 512 })
    for await (const entry of found) {
      const name = entry.name as unknown as Buffer
      if (RESERVED_SEGMENT.test(name.toString('latin1'))) continue
      if (entry.isDirectory()) yield Buffer.concat([name, SLASH])
      else if (entry.isFile()) yield name
    }
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}
