import { counted } from '../src/cli/figures.js'
import type { Io } from '../src/cli/io.js'
import { opening } from './opening.js'
import { examples, type Program, wholeNumber } from './program.js'
import { registerPassword } from './serve/password.js'

export function register(program: Program, io: Io): void {
  const serve = program
    .command('serve')
    .option('--port <n>', 'port to listen on; 0 is any free one', wholeNumber(0, 65_535), 8080)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .action(async place => {
      await using app = await opening(io)
      const { serveApi } = await import('../src/api/server.js')
      const api = await serveApi(app, place)
      const { url } = api
      io.note(`serving on ${url} (pid ${process.pid}); Ctrl-C drains`)
      await told(io.signal)
      io.note(`draining: up to ${app.config.drainMs / 1000} s for what is in flight`)
      const { requests, interrupted } = await api.stop(app.config.drainMs)
      io.print({ url, requests, interrupted }, end => `done: ${counted(end.requests, 'request')}, ${end.interrupted} cut off`)
      io.signal.throwIfAborted()
    })
  registerPassword(serve, io)
  examples(serve, ['feedctl serve', 'feedctl serve --host 0.0.0.0 --port 80'])
}

function told(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
