import { lstat, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../../kernel/errors.js'
import { makeFolder } from '../../kernel/folders.js'
import { holderIsGone, holderWords, newHolder } from '../../kernel/holder.js'

const MARKER = '.feedctl-demo'
const RUNNING = 'running'
const MADE_BY_DEMO = ['storage', '.env']
const MARKER_TEXT = 'This folder is made by `feedctl demo`, which replaces .env and storage when it runs again.\n'

/** The folder of a demo, which no other demo can use until it is let go of. */
export interface DemoFolder extends AsyncDisposable {
  /** Absolute. */
  readonly path: string
  readonly storage: string
  readonly envFile: string
}

/**
 * Takes the folder: makes it, uses one that is empty, or clears away what an earlier demo made in it. Nothing else is touched.
 * @throws {Failure} FOLDER_TAKEN it holds something and is no demo's
 * @throws {Failure} LOCKED another demo runs in it
 */
export async function takeFolder(path: string): Promise<DemoFolder> {
  await refuseForeign(path)
  makeFolder(path)
  await writeFile(join(path, MARKER), MARKER_TEXT)
  const running = join(path, RUNNING)
  await lock(running)
  const release = () => rm(running, { force: true })
  try {
    for (const name of MADE_BY_DEMO) await rm(join(path, name), { recursive: true, force: true })
  } catch (error) {
    await release()
    throw error
  }
  return { path, storage: join(path, 'storage'), envFile: join(path, '.env'), [Symbol.asyncDispose]: release }
}

/** What the files in the folder, and in those below it, hold together, bytes. */
export async function folderBytes(path: string): Promise<number> {
  const files = (await readdir(path, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const sizes = await Promise.all(files.map(async file => (await lstat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function refuseForeign(path: string): Promise<void> {
  const found = await whenThere(stat(path))
  if (found === null) return
  const names = found.isDirectory() ? await readdir(path) : null
  if (names?.length === 0) return
  const marker = names?.includes(MARKER) ? await lstat(join(path, MARKER)) : null
  if (marker?.isFile()) return
  const what = names === null ? 'is a file' : 'holds something that no demo made'
  throw new Failure('FOLDER_TAKEN', `${path} ${what}; nothing was touched`, { hint: 'feedctl demo --folder ./another-demo' })
}

async function lock(file: string): Promise<void> {
  const holder = newHolder()
  try {
    await writeFile(file, holder, { flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const theirs = (await whenThere(readFile(file, 'utf8'))) ?? ''
    if (theirs !== '' && !holderIsGone(theirs)) {
      throw new Failure('LOCKED', `a demo is already running in this folder: ${holderWords(theirs)}`, {
        hint: `wait for it to end; if it was killed, or the machine was started anew since, remove ${file}`,
      })
    }
    await writeFile(file, holder)
  }
}

/** Null where there is nothing. */
async function whenThere<T>(looking: Promise<T>): Promise<T | null> {
  try {
    return await looking
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
