import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Lies in the folder of a host, and not in that of a disk which is not mounted. */
export const HOST_MARK = '.feedctl-host'

/** Marks the folder as the owner's; false when it is another's already. @throws the system's error */
export function markFolder(folder: string, owner: string): boolean {
  const path = join(folder, HOST_MARK)
  try {
    writeFileSync(path, `${owner}\n`, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(path, 'utf8').trim() === owner
}
