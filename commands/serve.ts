import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { InvalidArgumentError } from '@commander-js/extra-typings'
import type { Workers } from '../src/api/workers/workers.js'
import { counted } from '../src/cli/figures.js'
import type { Io } from '../src/cli/io.js'
import { opening, settingsOf } from './opening.js'
import { examples, type Program, wholeNumber } from './program.js'
import { registerPassword } from './serve/password.js'

interface Place {
  readonly host: string
  readonly port: number
}

const MOST_WORKERS = 256

export function register(program: Program, io: Io): void {
  const serve = program
    .command('serve')
    .option('--port <n>', 'port to listen on; 0 is any free one', wholeNumber(0, 65_535), 8080)
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option(
      '--workers <n>',
      'processes that serve the port together, auto is one per core; 0: this process serves',
      workerCount,
      0,
    )
    .action(async ({ workers, ...place }) => {
      if (cluster.isWorker && cluster.worker !== undefined) await serveAsOneOfSeveral(io, cluster.worker, place)
      else if (workers > 0) await serveWithWorkers(io, workers, place)
      else await serveAlone(io, place)
    })
  registerPassword(serve, io)
  examples(serve, ['feedctl serve', 'feedctl serve --host 0.0.0.0 --port 80', 'feedctl serve --workers auto'])
}

async function serveAlone(io: Io, place: Place): Promise<void> {
  io.onSignal('SIGHUP', () => io.note('SIGHUP: one process cannot replace itself; with --workers 1 or more it could'))
  await using app = await opening(io)
  const [{ serveApi }, { Systemd }] = await Promise.all([
    import('../src/api/server.js'),
    import('../src/queues/supervisor/index.js'),
  ])
  const systemd = new Systemd(io.env, io.log)
  const api = await serveApi(app, place)
  const { url } = api
  io.note(`serving on ${url} (pid ${process.pid}); Ctrl-C drains`)
  systemd.ready(`serving on ${url}`)
  await told(io.signal)
  io.note(`draining: up to ${app.config.drainMs / 1000} s for what is in flight`)
  systemd.stopping()
  const { requests, interrupted } = await api.stop(app.config.drainMs)
  await systemd.told()
  printEnd(io, { url, requests, interrupted })
}

async function serveWithWorkers(io: Io, count: number, place: Place): Promise<void> {
  let workers: Workers | null = null
  // Before there are workers nothing has read the settings yet.
  io.onSignal('SIGHUP', () => workers?.reload())
  const { opsPasswordHash, sessionDriver } = settingsOf(io)
  if (opsPasswordHash !== null && sessionDriver === 'memory' && count > 1) {
    io.note('the dashboard asks to log in again and again: SESSION_DRIVER is memory, which the workers do not share; try redis')
  }
  const [{ Workers: WorkersOf }, { Systemd }] = await Promise.all([
    import('../src/api/workers/workers.js'),
    import('../src/queues/supervisor/index.js'),
  ])
  const voice = new Systemd(io.env, io.log)
  const args = (port: number) => [...process.argv.slice(2), '--port', String(port), '--quiet']
  workers = new WorkersOf({ count, args, log: io.log, note: line => io.note(line), voice })
  const url = await workers.start(place, io.signal)
  io.note(`serving on ${url} with ${counted(count, 'worker')} (pid ${process.pid}); Ctrl-C drains, SIGHUP reloads`)
  try {
    printEnd(io, await workers.run(io.signal))
  } finally {
    await voice.told()
  }
}

async function serveAsOneOfSeveral(io: Io, self: NonNullable<typeof cluster.worker>, place: Place): Promise<void> {
  // What is meant for all of them may come to each of them too.
  io.heedSigtermOnce()
  io.onSignal('SIGHUP', () => {})
  const { serveAsWorker } = await import('../src/api/workers/worker.js')
  await serveAsWorker(self, { open: () => opening(io), place, signal: io.signal })
}

function printEnd(io: Io, end: { readonly url: string; readonly requests: number; readonly interrupted: number }): void {
  io.print(end, ({ requests, interrupted }) => `done: ${counted(requests, 'request')}, ${interrupted} cut off`)
  io.signal.throwIfAborted()
}

function workerCount(text: string): number {
  if (text === 'auto') return availableParallelism()
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= MOST_WORKERS)) throw new InvalidArgumentError(`It is neither auto nor a whole number up to ${MOST_WORKERS}.`)
  return value
}

function told(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
