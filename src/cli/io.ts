import { Interruption } from './interruption.js'
import { Terminal } from './terminal.js'

export type { GlobalFlags, ProgressMode } from './flags.js'
export type { Io, Outlet, Ports } from './ports.js'
export type { Progress } from './progress.js'
export type { Style } from './style.js'

/** The terminal of this process. From now on the first SIGINT or SIGTERM aborts `io.signal`, and the second ends the process. */
export function createProcessIo(): Terminal {
  const controller = new AbortController()
  const terminal = new Terminal({
    env: process.env,
    cwd: process.cwd(),
    signal: controller.signal,
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  })
  const stop = (name: 'SIGINT' | 'SIGTERM') => {
    const interruption = new Interruption(name)
    if (controller.signal.aborted) {
      terminal.close(false)
      process.exit(interruption.exit)
    }
    terminal.note(`${name}: stopping after what is in flight; once more to stop at once`)
    controller.abort(interruption)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return terminal
}
