import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import { type Crontab, crontabOfFile, crontabOfProgram } from '../../src/schedule/placing.js'
import { findProgram } from '../../src/schedule/programs.js'
import { isRoot } from './starting.js'

const SYSTEM_FOLDERS = ['/usr/bin', '/usr/local/bin', '/usr/sbin', '/sbin', '/bin']

/** Where systemd reads units. `root`: the folder that is `/` to it; null for the running machine. */
export function unitFolder(io: Io, scope: 'user' | 'system', root: string | null): string {
  const home = io.env.HOME ?? homedir()
  const own = (io.env.XDG_CONFIG_HOME ?? '') === '' ? join(home, '.config') : (io.env.XDG_CONFIG_HOME ?? '')
  const folder = scope === 'user' ? join(own, 'systemd/user') : '/etc/systemd/system'
  return root === null ? folder : join(root, folder)
}

export function systemdRuns(root: string | null): boolean {
  return existsSync(join(root ?? '/', 'run/systemd/system'))
}

/** What begins things by itself there. @throws {Failure} USAGE when nothing does */
export function whatIsThere(io: Io, root: string | null): 'cron' | 'systemd' {
  if (systemdRuns(root)) return 'systemd'
  if (crontabProgram(io, root) !== null) return 'cron'
  throw new Failure('USAGE', 'neither systemd nor cron is here', { hint: '--systemd or --cron, or feedctl schedule run' })
}

/** A user's crontab. @throws {Failure} USAGE when there is no cron */
export function crontabOf(io: Io, user: string, root: string | null): Crontab {
  if (root !== null) return crontabOfFile(join(root, 'var/spool/cron/crontabs', user))
  const program = crontabProgram(io, root)
  if (program === null) throw new Failure('USAGE', 'there is no program crontab here', { hint: 'feedctl schedule print cron' })
  return crontabOfProgram(program, isRoot() && user !== 'root' ? user : null)
}

function crontabProgram(io: Io, root: string | null): string | null {
  const folders = [...(io.env.PATH ?? '').split(delimiter).filter(folder => folder !== ''), ...SYSTEM_FOLDERS]
  return findProgram('crontab', root === null ? folders : SYSTEM_FOLDERS.map(folder => join(root, folder)))
}
