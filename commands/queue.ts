import type { Io } from '../src/cli/io.js'
import { examples, type Program } from './program.js'
import { registerDrain } from './queue/drain.js'
import { registerFailed } from './queue/failed.js'
import { registerForget } from './queue/forget.js'
import { registerPause, registerResume } from './queue/pause.js'
import { registerRetry } from './queue/retry.js'
import { registerStatus } from './queue/status.js'
import { registerSupervise } from './queue/supervise.js'
import { registerWork } from './queue/work.js'

export function register(program: Program, io: Io): void {
  const queue = program.command('queue')
  registerWork(queue, io)
  registerSupervise(queue, io)
  registerStatus(queue, io)
  registerFailed(queue, io)
  registerRetry(queue, io)
  registerForget(queue, io)
  registerPause(queue, io)
  registerResume(queue, io)
  registerDrain(queue, io)
  examples(queue, ['feedctl queue supervise --max 8', 'feedctl queue status', 'feedctl queue failed --group'])
}
