import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Lies in the folder of a host, and not in that of a disk which is not mounted. */
export const HOST_MARK = '.feedctl-host'

/** Whose the folder is; null for nobody's. @throws the system's error */
export function markOf(folder: string): string | null {
  try {
    return readFileSync(join(folder, HOST_MARK), 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Marks the folder as the owner's; false when it is another's already. @throws the system's error */
export function markFolder(folder: string, owner: string): boolean {
  try {
    writeFileSync(join(folder, HOST_MARK), `${owner}\n`, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return markOf(folder) === owner
}

/** Takes the owner's mark away; another's stays, and so does all else. @throws the system's error */
export function unmarkFolder(folder: string, owner: string): void {
  if (markOf(folder) === owner) rmSync(join(folder, HOST_MARK), { force: true })
}
