import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const SHOWN_LINES = { first: 15, last: 25 }
const LOCK_POLL_MS = 100
const NAMELESS_LOCK_MS = 5_000

/** A reason not to go on, told in one go and ended with the exit status. */
export class Refusal extends Error {
  constructor(message, exit) {
    super(message)
    this.exit = exit
  }
}

export function say(line) {
  console.error(line)
}

export function sha256(...parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex')
}

/** The file's text; null when it is not there. */
export function readWhenThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return null
    throw error
  }
}

/** Runs a program in silence. Its output is shown, its first and last lines, only when it fails. */
export async function run(what, program, args, { cwd, env, exit = 5 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'feedctl-prepare-'))
  const log = join(folder, 'log')
  const output = openSync(log, 'w')
  let ended
  try {
    ended = await spawned(program, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', output, output] })
  } finally {
    closeSync(output)
  }
  const said = shorten(readFileSync(log, 'utf8').trimEnd().split('\n'))
  rmSync(folder, { recursive: true })
  if (ended.signal !== null) throw new Refusal(`${what} was stopped by ${ended.signal}`, 128 + constants.signals[ended.signal])
  if (ended.code !== 0) throw new Refusal(`${what} failed (${ended.words ?? `exit ${ended.code}`})\n${said}`, exit)
}

/** npm tells the reason first, compilers and apt last. */
function shorten(lines) {
  if (lines.length <= SHOWN_LINES.first + SHOWN_LINES.last) return lines.join('\n')
  return [...lines.slice(0, SHOWN_LINES.first), '...', ...lines.slice(-SHOWN_LINES.last)].join('\n')
}

function spawned(program, args, options) {
  return new Promise(resolve => {
    const child = spawn(program, args, options)
    let stoppedBy = null
    // The child is stopped and waited for, so that the caller's `finally` puts back what it changed.
    const stop = signal => {
      stoppedBy = signal
      child.kill(signal)
    }
    const settle = ended => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeListener(signal, stop)
      resolve(ended)
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop)
    child.once('error', error => settle({ code: 127, signal: null, words: error.message }))
    child.once('close', (code, signal) => settle({ code, signal: stoppedBy ?? signal }))
  })
}

/** Runs the deed while no other process of this user holds the lock; the lock of a process that is gone is broken. */
export async function locked(name, deed) {
  const lock = join(tmpdir(), `feedctl-prepare-${process.getuid?.() ?? 0}-${name}.lock`)
  while (!taken(lock)) await pause(LOCK_POLL_MS)
  try {
    return await deed()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function taken(lock) {
  try {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return true
  } catch (error) {
    if (error.code !== 'EEXIST' && error.code !== 'ENOENT') throw error
  }
  if (isStale(lock)) breakLock(lock)
  return false
}

function isStale(lock) {
  try {
    const pid = readWhenThere(join(lock, 'pid'))
    if (pid !== null && pid !== '') return !isAlive(Number(pid))
    return Date.now() - statSync(lock).mtimeMs > NAMELESS_LOCK_MS
  } catch (error) {
    if (error.code === 'ENOENT') return false
    throw error
  }
}

/** A rename, which only one of several breakers wins; the losers look again. */
function breakLock(lock) {
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
  } catch (error) {
    if (error.code === 'ENOENT') return
    throw error
  }
  rmSync(aside, { recursive: true, force: true })
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
