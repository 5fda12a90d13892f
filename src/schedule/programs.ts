import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../kernel/errors.js'

/** What it said is bytes, read as latin1. */
export interface ProgramEnd {
  readonly status: number
  readonly out: string
  readonly err: string
}

/** Runs a program of the machine; `input` is written as latin1. @throws the system's error when it cannot be started */
export function runProgram(program: string, args: readonly string[], input?: string): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { encoding: 'latin1' }, (error, out, err) => {
      if (error !== null && typeof error.code !== 'number') reject(error)
      else resolve({ status: error === null ? 0 : Number(error.code), out, err })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(input === undefined ? '' : Buffer.from(input, 'latin1'))
  })
}

/** The same, where all that counts is that it does not fail. @throws {Failure} UNAVAILABLE when it does, with its words */
export async function command(program: string, args: readonly string[]): Promise<void> {
  const { status, err } = await runProgram(program, args)
  if (status === 0) return
  const line = [program, ...args].join(' ')
  throw new Failure('UNAVAILABLE', `${line} failed: ${err.trim()}`, { hint: line })
}

/** The path of the program in one of these folders; null when it is in none. */
export function findProgram(name: string, folders: readonly string[]): string | null {
  return folders.map(folder => join(folder, name)).find(path => existsSync(path)) ?? null
}
