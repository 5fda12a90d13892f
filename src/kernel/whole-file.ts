import { randomBytes } from 'node:crypto'
import { access, type FileHandle, link as hardLink, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Failure, wordsOf } from './errors.js'

/** What file systems answer that know no hard links: FAT, many network and FUSE ones. */
const WITHOUT_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])

type HardLink = (path: string, name: string) => Promise<void>

export interface WholeFileOptions {
  /** Whether a file of that name gives way to the new one. */
  readonly replace: boolean
  /** Default: as the process makes files. */
  readonly mode?: number
  /** Gives a file a second name, and never another's: `link` of the file system when nothing else is said. */
  readonly link?: HardLink
}

/**
 * Writes a file that is there, on the medium, when everything is in it, and never half of it. A killed write leaves `.<name>.<12 hex digits>.part` beside it.
 * @throws {Failure} FILE_EXISTS, FILE_UNREADABLE where it cannot be written, DISK_FULL; those of the deed
 */
export async function writeWhole<T>(
  path: string,
  { replace, mode = 0o666, link = hardLink }: WholeFileOptions,
  deed: (file: FileHandle) => Promise<T>,
): Promise<T> {
  if (!replace && (await isThere(path))) throw taken(path)
  const aside = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString('hex')}.part`)
  const file = await open(aside, 'wx', mode).catch(error => Promise.reject(refused(path, error)))
  try {
    const result = await deed(file)
    await file.sync()
    await file.close()
    await (replace ? rename(aside, path) : place(aside, path, link))
    await syncFolder(dirname(path))
    return result
  } catch (error) {
    await file.close().catch(() => {})
    await rm(aside, { force: true })
    throw refused(path, error)
  }
}

/** Unlike a renaming it never takes another's place. */
async function place(aside: string, path: string, link: HardLink): Promise<void> {
  try {
    await link(aside, path)
  } catch (error) {
    if (!WITHOUT_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    return placeUnlinked(aside, path)
  }
  await rm(aside)
}

/** Takes the name first; killed between the two, the name is of an empty file. */
async function placeUnlinked(aside: string, path: string): Promise<void> {
  await (await open(path, 'wx')).close()
  await rename(aside, path).catch(async error => {
    await rm(path, { force: true })
    throw error
  })
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

function taken(path: string): Failure {
  return new Failure('FILE_EXISTS', `${path} exists`, { hint: 'another name, or the same command with --yes' })
}

function refused(path: string, error: unknown): unknown {
  if (error instanceof Failure || !(error instanceof Error) || !('syscall' in error)) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EEXIST') return taken(path)
  return new Failure(code === 'ENOSPC' ? 'DISK_FULL' : 'FILE_UNREADABLE', `cannot write ${path}: ${wordsOf(error)}`, {
    cause: error,
  })
}
