import type { Io } from '../src/cli/io.js'
import { examples, type Program } from './program.js'
import { registerInstall } from './schedule/install.js'
import { registerPrint } from './schedule/print.js'
import { registerRun } from './schedule/run.js'

export function register(program: Program, io: Io): void {
  const schedule = program.command('schedule')
  registerRun(schedule, io)
  registerPrint(schedule, io)
  registerInstall(schedule, io)
  examples(schedule, ['feedctl schedule run', 'feedctl schedule print cron', 'feedctl schedule install --dry-run'])
}
