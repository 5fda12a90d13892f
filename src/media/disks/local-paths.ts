import { constants, mkdir, open, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { Failure, wordsOf } from '../../kernel/errors.js'
import { parseMediaName } from '../names.js'

const KEY = /^([1-9]\d*)\/(.+)$/s
const FULL = new Set(['ENOSPC', 'EDQUOT'])
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])

/** Where an object is. */
export interface Place {
  readonly file: string
  /** The folder that the file is in. */
  readonly parent: string
  /** The folder of all objects of the tenant. */
  readonly tenant: string
}

/** @throws {Failure} MEDIA_NAME_INVALID for a key that is none: the last guard before the file system */
export function placeOf(folder: string, key: string): Place {
  const [, tenant, name] = KEY.exec(key) ?? []
  if (tenant === undefined || name === undefined)
    throw new Failure('MEDIA_NAME_INVALID', `${JSON.stringify(key)} is no key of media`)
  const file = join(folder, tenant, parseMediaName(name))
  return { file, parent: dirname(file), tenant: join(folder, tenant) }
}

/**
 * Whether the folder is where its path says, and not somewhere that a symbolic link leads to; null when it is not there, unless one above it, as far as the
 * disk's own, leads away.
 */
export async function isItself(folder: string, parent: string): Promise<boolean | null> {
  for (let above = parent; above.length > folder.length; above = dirname(above)) {
    try {
      const [root, real] = await Promise.all([realpath(folder), realpath(above)])
      if (real !== root + above.slice(folder.length)) return false
      return above === parent ? true : null
    } catch (error) {
      if (!isAbsent(error)) throw error
    }
  }
  return null
}

/** Makes the folder and those above it that are missing, so that they are still there after a power cut. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true })
  if (first === undefined) return
  for (let made = folder; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made))
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Whether it says that there is no such file, or none that may be followed. */
export function isAbsent(error: unknown): boolean {
  return ABSENT.has(codeOf(error))
}

export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** What an error of the file system means to whoever uses the disk; what is none stays as it is. */
export function diskFailure(error: unknown, folder: string): unknown {
  const code = codeOf(error)
  if (error instanceof Failure || code === '' || !(error instanceof Error) || !('syscall' in error)) return error
  if (FULL.has(code)) {
    return new Failure('DISK_FULL', `the disk of ${folder} is full`, {
      hint: `make room, or move FEEDCTL_DATA to a larger disk`,
      cause: error,
    })
  }
  const hint = code === 'EACCES' || code === 'EPERM' ? { hint: `let this user write to ${folder + sep}` } : {}
  return new Failure('UNAVAILABLE', `the local disk refuses: ${wordsOf(error)}`, { ...hint, cause: error })
}
