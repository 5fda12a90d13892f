import type { Io } from '../src/cli/io.js'
import type { Program } from './program.js'

export function register(program: Program, _io: Io): void {
  program.command('host')
}
