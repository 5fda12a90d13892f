import { Interruption } from './interruption.js'
import { Terminal } from './terminal.js'

export type { GlobalFlags, ProgressMode } from './flags.js'
export type { Io, Outlet, Ports, Screen } from './ports.js'
export type { Progress } from './progress.js'
export type { Style } from './style.js'

/** The terminal of this process. From now on the first SIGINT or SIGTERM aborts `io.signal`, and the second ends the process. */
export function createProcessIo(): Terminal {
  // React looks for it when it is loaded, and is three times as slow without.
  process.env.NODE_ENV ??= 'production'
  const controller = new AbortController()
  const terminal = new Terminal({
    env: process.env,
    cwd: process.cwd(),
    signal: controller.signal,
    onSignal: (name, listener) => {
      process.on(name, listener)
      return () => process.off(name, listener)
    },
    stdin: () => process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  })
  const stop = (name: 'SIGINT' | 'SIGTERM') => {
    const interruption = new Interruption(name)
    const heededOnce = name === 'SIGTERM' && !terminal.sigtermEnds
    if (controller.signal.aborted) {
      if (heededOnce) return
      terminal.close(false)
      process.exit(interruption.exit)
    }
    terminal.note(`${name}: stopping after what is in flight${heededOnce ? '' : '; once more to stop at once'}`)
    controller.abort(interruption)
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return terminal
}
