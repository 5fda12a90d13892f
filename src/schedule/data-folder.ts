import { existsSync } from 'node:fs'
import { chown, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '../kernel/config.js'
import { Failure } from '../kernel/errors.js'
import { makeFolder } from '../kernel/folders.js'
import { runProgram } from './programs.js'

/** Who files belong to. */
interface User {
  readonly uid: number
  readonly gid: number
  readonly groups: readonly number[]
}

/** Prints the first path of its pairs, of a test and a path, that does not pass. */
const FIRST_REFUSED = 'while test $# -gt 0; do test "$1" "$2" || { printf %s "$2"; exit 9; }; shift 2; done'
const REFUSED = 9

/**
 * Whether the data folder has to be made for the user, who keeps files in it. For root, who alone can make and look as another.
 * @throws {Failure} FILE_UNREADABLE with the words to mend it when the user cannot write what is there; USAGE when there is no such user
 */
export async function lacksDataFolder({ data, dbDatabase }: Pick<Config, 'data' | 'dbDatabase'>, name: string): Promise<boolean> {
  const user = await userNamed(name)
  const isMissing = !existsSync(data)
  const databases = join(data, 'databases')
  const kept = [data, databases].filter(existsSync).flatMap(folder => ['-x', folder, '-w', folder])
  const file = [join(databases, `${dbDatabase}.db`)].filter(existsSync).flatMap(path => ['-w', path])
  const refused = await firstRefused(user, ['-x', nearestFolder(dirname(data)), ...kept, ...file])
  if (refused === null) return isMissing
  const hint =
    isMissing || !refused.startsWith(data) ? 'set FEEDCTL_DATA to a folder that this user can reach' : `chown -R ${name} ${data}`
  throw new Failure('FILE_UNREADABLE', `${name} cannot ${refused.startsWith(data) ? 'write' : 'enter'} ${refused}`, { hint })
}

/** Makes the folder, and what is missing above it, for that user alone. */
export async function makeDataFolder(data: string, name: string): Promise<void> {
  const { uid, gid } = await userNamed(name)
  makeFolder(dirname(data), 0o755)
  await mkdir(data, { mode: 0o700 })
  await chown(data, uid, gid)
}

/** A number needs no name. */
async function userNamed(name: string): Promise<User> {
  const asked = await Promise.all(['-u', '-g', '-G'].map(what => runProgram('id', [what, name])))
  if (asked.every(({ status }) => status === 0)) {
    const [uid, gid, groups] = asked.map(({ out }) => out.trim())
    return { uid: Number(uid), gid: Number(gid), groups: (groups ?? '').split(' ').map(Number) }
  }
  if (/^\d+$/.test(name)) return { uid: Number(name), gid: Number(name), groups: [] }
  throw new Failure('USAGE', `there is no user ${name} on this machine`, { hint: `useradd --system ${name}` })
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path))
}

/** The first path that does not pass its test for that user; null when all do, and where nobody can look as another. */
async function firstRefused({ uid, gid, groups }: User, tests: readonly string[]): Promise<string | null> {
  if (uid === 0) return null
  const among = groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join()]
  const asUser = ['--reuid', String(uid), '--regid', String(gid), ...among]
  try {
    const { status, out } = await runProgram('setpriv', [...asUser, 'sh', '-c', FIRST_REFUSED, 'sh', ...tests])
    return status === REFUSED ? Buffer.from(out, 'latin1').toString() : null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
