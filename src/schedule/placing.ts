import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../kernel/errors.js'
import { makeFolder } from '../kernel/folders.js'
import { blockIn, withBlock } from './crontab.js'
import { ownerIn } from './invocation.js'
import { runProgram } from './programs.js'
import { UNIT_MARK, UNIT_NAMES, type Unit } from './systemd.js'

export interface Change {
  /** The file, or whose crontab. */
  readonly where: string
  readonly change: 'created' | 'replaced' | 'unchanged' | 'removed'
}

/** Of cron, and of busybox. */
const NO_CRONTAB = /no crontab for|can't open '[^']*': No such file/i

/** What to write where a file is: null removes it. */
export interface Placement {
  readonly path: string
  readonly text: string | null
  readonly was: string | null
}

/**
 * The units as they have to be placed in the folder: these, and no other of feedctl's. `owner`: the line of the only installation whose units may be
 * replaced or removed; null is any.
 * @throws {Failure} FOLDER_TAKEN when someone else's file, or another installation's unit, is in the way
 */
export async function planUnits(folder: string, units: readonly Unit[], owner: string | null): Promise<readonly Placement[]> {
  const placements: Placement[] = []
  for (const name of UNIT_NAMES) {
    const path = join(folder, name)
    const text = units.find(unit => unit.name === name)?.text ?? null
    const was = await readIfThere(path)
    const theirs = was !== null && !was.startsWith(UNIT_MARK)
    if (theirs && text !== null) {
      throw new Failure('FOLDER_TAKEN', `${path} was not written by feedctl`, { hint: 'move it away, then install again' })
    }
    if (!theirs && was !== null) refuseOther(path, was, owner)
    if (!theirs && (text !== null || was !== null)) placements.push({ path, text, was })
  }
  return placements
}

export function changesOf(placements: readonly Placement[]): Change[] {
  return placements.map(({ path, text, was }) => ({ where: path, change: changeOf(was, text) }))
}

/** Each file is there whole, or as it was. */
export async function place(placements: readonly Placement[], mode: number): Promise<void> {
  for (const { path, text, was } of placements) {
    if (text === null) await rm(path, { force: true })
    else if (text !== was) await replaceFile(path, Buffer.from(text), mode)
  }
}

/** A user's crontab. Bytes are kept as they are: it is read and written as latin1. */
export interface Crontab {
  readonly where: string
  /** '' when there is none. */
  read(): Promise<string>
  write(text: string): Promise<void>
}

/** By the program `crontab`; `user` is null for one's own. */
export function crontabOfProgram(program: string, user: string | null): Crontab {
  const whose = user === null ? [] : ['-u', user]
  const where = user === null ? 'crontab' : `crontab of ${user}`
  const line = [program, ...whose, '-l'].join(' ')
  return {
    where,
    read: async () => {
      const { status, out, err } = await runProgram(program, [...whose, '-l'])
      if (status === 0) return out
      if (NO_CRONTAB.test(err)) return ''
      throw refused(`the ${where} cannot be read`, err, line)
    },
    write: async text => {
      const { status, err } = await runProgram(program, [...whose, '-'], text)
      if (status !== 0) throw refused(`the ${where} cannot be written`, err, line)
    },
  }
}

/** A crontab as cron keeps it, below another root folder. */
export function crontabOfFile(path: string): Crontab {
  return {
    where: path,
    read: async () => (await readIfThere(path, 'latin1')) ?? '',
    write: text => replaceFile(path, Buffer.from(text, 'latin1'), 0o600),
  }
}

/**
 * Puts feedctl's block in, in place of the one before, or takes it out (null). `owner` as for `planUnits`.
 * @throws {Failure} FOLDER_TAKEN when the block is another installation's; FILE_UNREADABLE
 */
export async function editCrontab(
  crontab: Crontab,
  block: string | null,
  { owner, dryRun }: { readonly owner: string | null; readonly dryRun: boolean },
): Promise<Change[]> {
  const was = await crontab.read()
  refuseOther(crontab.where, Buffer.from(blockIn(was), 'latin1').toString(), owner)
  const text = withBlock(was, block === null ? null : Buffer.from(block).toString('latin1'))
  if (block === null && text === was) return []
  if (!dryRun && text !== was) await crontab.write(text)
  const had = withBlock(was, null) !== was
  return [
    { where: crontab.where, change: block === null ? 'removed' : text === was ? 'unchanged' : had ? 'replaced' : 'created' },
  ]
}

/** What has no line of an owner was written by hand, or by nobody that is known. */
function refuseOther(where: string, standing: string, owner: string | null): void {
  const other = ownerIn(standing)
  if (owner === null || other === null || other === owner) return
  throw new Failure('FOLDER_TAKEN', `${where} is another installation's: ${other.replace('# ', '')}`, {
    hint: 'feedctl schedule install --remove there, or --replace here',
  })
}

function refused(what: string, err: string, line: string): Failure {
  return new Failure('FILE_UNREADABLE', `${what}: ${err.trim()}`, {
    hint: `${line}, which has to work first; or feedctl schedule print cron`,
  })
}

function changeOf(was: string | null, text: string | null): Change['change'] {
  if (text === null) return 'removed'
  return was === null ? 'created' : was === text ? 'unchanged' : 'replaced'
}

async function readIfThere(path: string, encoding: 'utf8' | 'latin1' = 'utf8'): Promise<string | null> {
  try {
    return await readFile(path, encoding)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

async function replaceFile(path: string, bytes: Buffer, mode: number): Promise<void> {
  makeFolder(dirname(path))
  const fresh = `${path}.feedctl-new`
  await writeFile(fresh, bytes, { mode })
  await chmod(fresh, mode)
  await rename(fresh, path)
}
