import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isFailure, wordsOf } from '../../kernel/errors.js'
import { writeWhole } from '../../kernel/whole-file.js'
import { readStored, type StoredBench } from './stored.js'

/** A result that was kept. */
export interface KeptBench {
  /** Epoch ms. */
  readonly at: number
  readonly path: string
  readonly result: StoredBench
}

/** `2026-11-30T12-00-00.000Z-api.json` */
const NAME = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d\.\d{3}Z)-([a-z]+)\.json$/

/** Of each scenario; those that are older go. */
const MOST_KEPT = 200

/**
 * Keeps a result, as it was printed, under the data folder, where its owner alone can read it. Answers where.
 * @throws {Failure} FILE_UNREADABLE, DISK_FULL; whatever else the file system says
 */
export async function keepResult(data: string, scenario: string, at: Date, printed: string): Promise<string> {
  const folder = folderIn(data)
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${at.toISOString().replaceAll(':', '-')}-${scenario}.json`)
  await writeWhole(path, { replace: true, mode: 0o600 }, file => file.writeFile(`${printed}\n`))
  return path
}

/** Removes the oldest of a scenario beyond 200. @throws whatever the file system says */
export async function pruneResults(data: string, scenario: string): Promise<void> {
  for (const { path } of (await filesOf(data, scenario)).slice(MOST_KEPT)) await rm(path, { force: true })
}

/** Results that were kept of a scenario, or of any (null), the newest first; those that cannot be read are left out. */
export async function keptResults(data: string, scenario: string | null, most: number): Promise<KeptBench[]> {
  const kept: KeptBench[] = []
  for (const { at, path } of await filesOf(data, scenario)) {
    if (kept.length === most) break
    const result = await readKept(path)
    if (result !== null) kept.push({ at, path, result })
  }
  return kept
}

/** The newest first. */
async function filesOf(data: string, scenario: string | null): Promise<Omit<KeptBench, 'result'>[]> {
  const names = await readdir(folderIn(data)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new Error(`cannot read ${folderIn(data)}: ${wordsOf(error)}`, { cause: error })
  })
  const found = names.flatMap(name => {
    const [, hour, minute, rest, of] = NAME.exec(name) ?? []
    const isWanted = of !== undefined && (scenario === null || of === scenario)
    return isWanted ? [{ at: Date.parse(`${hour}:${minute}:${rest}`), path: join(folderIn(data), name) }] : []
  })
  return found.sort((one, other) => other.at - one.at)
}

async function readKept(path: string): Promise<StoredBench | null> {
  try {
    return readStored(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (isFailure(error, 'FILE_UNREADABLE') || (error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

function folderIn(data: string): string {
  return join(data, 'bench')
}
