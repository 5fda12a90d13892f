import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Invocation } from '../../src/schedule/invocation.js'

/** How another program starts this feedctl with the settings of this command. @throws {Failure} CONFIG_INVALID for a path no such program can be told */
export function invocationOf(io: Io): Invocation {
  const named = io.flags.envFile ?? (existsSync(resolve(io.cwd, '.env')) ? '.env' : null)
  const invocation = {
    node: process.execPath,
    bin: createRequire(import.meta.url).resolve('#bin'),
    envFile: named === null ? null : resolve(io.cwd, named),
    folder: io.cwd,
  }
  const odd = Object.values(invocation).find(path => path !== null && /[\r\n]/.test(path))
  if (odd !== undefined) {
    const hint = 'another folder, or --env-file, without one'
    throw new Failure('CONFIG_INVALID', `a line end in a path: ${JSON.stringify(odd)}`, { hint })
  }
  return invocation
}

/** As the machine's programs take them; a number stands for itself. */
const USER_NAME = /^([a-z_][a-z0-9_.-]*\$?|\d+)$/i

/** Who the units run as, or whose crontab it is. @throws {Failure} USAGE for what is no user's name */
export function userOf(io: Io, named: string | undefined): string {
  const user = named ?? whoRuns(io)
  if (USER_NAME.test(user)) return user
  throw new Failure('USAGE', `${JSON.stringify(user)} is no name of a user`, { hint: '--run-as feedctl' })
}

/** Who runs this command; the one before `sudo`, not root. */
export function whoRuns(io: Io): string {
  const before = io.env.SUDO_USER ?? ''
  if (isRoot() && before !== '') return before
  try {
    return userInfo().username
  } catch {
    // A container may have numbers without names.
    return String(process.getuid?.() ?? 'root')
  }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** Says so when units of the machine would run as root and nobody asked for it. */
export function sayRoot(io: Io, scope: 'user' | 'system', runAs: string | undefined): void {
  if (scope === 'system' && runAs === undefined && whoRuns(io) === 'root') {
    io.note('the units run as root: --run-as <user> names another')
  }
}

/** Says which settings are left behind: the program that starts feedctl has none of this shell's environment. */
export async function sayLostSettings(io: Io, invocation: Invocation): Promise<void> {
  const { effectiveSettings } = await import('../../src/kernel/config.js')
  const isLost = (name: string, source: string) =>
    source === 'environment' || (source === 'file' && (io.env[`${name}_FILE`] ?? '') !== '')
  const lost = effectiveSettings(io.config()).filter(({ name, source }) => isLost(name, source))
  if (lost.length === 0) return
  const names = lost.map(({ name, source }) => (source === 'file' ? `${name}_FILE` : name)).join(', ')
  const file = invocation.envFile ?? resolve(io.cwd, '.env')
  io.note(`only this shell has these settings; write them into ${file}: ${names}`)
}
