import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, delimiter, isAbsolute, join, relative, resolve } from 'node:path'
import type { Environment } from '../../src/kernel/config.js'

/** How this feedctl is typed again in the shell that started it: `feedctl`, `npx feedctl` or `node bin/feedctl.js`. */
export function invocation(env: Environment, cwd: string): string {
  if (env.npm_command === 'exec') return 'npx feedctl'
  const program = createRequire(import.meta.url).resolve('#bin')
  if (isOnPath('feedctl', program, env)) return 'feedctl'
  const node = isOnPath('node', process.execPath, env) ? 'node' : shellWord(process.execPath)
  return `${node} ${shellPath(program, env, cwd)}`
}

/** A path as a word for that shell: short where it lies below the shell's folder, else absolute. */
export function shellPath(path: string, env: Environment, cwd: string): string {
  const near = relative(shellFolder(env, cwd), path)
  return shellWord(near === '' || near.startsWith('..') || isAbsolute(near) ? resolve(path) : near)
}

/** npm runs a script in the folder of its package, wherever it was typed. */
function shellFolder(env: Environment, cwd: string): string {
  return (env.npm_lifecycle_event === undefined ? undefined : env.INIT_CWD) ?? cwd
}

function isOnPath(name: string, file: string, env: Environment): boolean {
  const folders = (env.PATH ?? '').split(delimiter)
  // What npm puts in front for its scripts is not there in the shell.
  const own = folders.filter(folder => isAbsolute(folder) && basename(folder) !== '.bin' && basename(folder) !== 'node-gyp-bin')
  for (const folder of own) {
    const found = realPath(join(folder, name))
    if (found !== null) return found === realPath(file)
  }
  return false
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path)
  } catch {
    return null
  }
}

function shellWord(text: string): string {
  return /^[\w./:@%+,=~-]+$/.test(text) && !text.startsWith('~') ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
