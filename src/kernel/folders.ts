import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes the folder, and those above it that are missing; one that is there stays as it is. Not by Node's `recursive`, which tries for
 * ever where a folder that exists says that it does not, as /proc does.
 * @throws the system's error
 */
export function makeFolder(path: string, mode = 0o777): void {
  const missing: string[] = []
  for (let at = path; !existsSync(at); at = dirname(at)) missing.push(at)
  for (const folder of missing.reverse()) makeOne(folder, mode)
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode })
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
