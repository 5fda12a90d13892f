import { type BigIntStats, lstatSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LocalDisk } from '../disks/driver.js'
import { identityOf } from '../identity.js'
import type { MediaKey } from '../names.js'

export interface LocalFile {
  readonly bytes: number
  readonly identity: string
}

/** Null when there is no regular file. */
export function localFile(disk: LocalDisk, key: MediaKey): LocalFile | null {
  const stat = lstatOf(join(disk.folder, key))
  return stat?.isFile() ? { bytes: Number(stat.size), identity: identityOf(stat) } : null
}

/** Bytes that this user may still write to the disk, as the file system tells. */
export function freeBytes(disk: LocalDisk): number {
  for (let folder = disk.folder; ; folder = dirname(folder)) {
    if (lstatOf(folder) === undefined && folder !== dirname(folder)) continue
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  }
}

function lstatOf(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    // A file where a folder should be.
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw error
  }
}
