import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import type { Config } from '../../src/kernel/config.js'
import { Failure } from '../../src/kernel/errors.js'
import { shortHash } from '../../src/kernel/hash.js'
import { thisProcess } from '../../src/kernel/holder.js'
import type { Board } from '../../src/queues/index.js'
import type { Budget, FleetEnd, SupervisorOptions } from '../../src/queues/supervisor/index.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { queueNames } from './queue-names.js'

interface SuperviseFlags {
  readonly min: number
  readonly max?: number
  readonly targetWait: number
  readonly schedule: boolean
  readonly metrics?: string
  readonly queue?: string
  readonly concurrency: number
  readonly tries: number
  readonly maxJobs?: number
  readonly maxTime?: number
  readonly memory?: number
}

const CONCURRENCY = 5
const TRIES = 5
/** Of the bound of the database server: the rest is for the API, other machines and people. */
const SHARE_OF_CONNECTIONS = 0.8

export function registerSupervise(queue: Command, io: Io): void {
  const command = queue
    .command('supervise')
    .description('keep worker processes alive, as many as the queues need')
    .option('--min <n>', 'worker processes that consume every queue', wholeNumber(1, 1000), 1)
    .option('--max <n>', 'worker processes at most (default: one per core)', wholeNumber(1, 1000))
    .option('--target-wait <s>', 'more workers when a queue takes longer to clear, seconds', wholeNumber(1, 86_400), 30)
    .option('--no-schedule', 'begin no syncs and maintenance by itself')
    .option('--metrics <listen>', 'port, or host:port, of /metrics (default: FEEDCTL_METRICS_LISTEN)')
    .option('--queue <names>', 'queues to consume, as sync,media (default: all)')
    .option('--concurrency <n>', 'jobs of one queue at once in a worker', wholeNumber(1, 1000), CONCURRENCY)
    .option('--tries <n>', 'attempts before a job is failed', wholeNumber(1, 100), TRIES)
    .option('--max-jobs <n>', 'replace a worker after this many jobs', wholeNumber(1, 1_000_000_000))
    .option('--max-time <s>', 'replace a worker after this many seconds', wholeNumber(1, 2_592_000))
    .option('--memory <mb>', 'replace a worker that takes more than this', wholeNumber(32, 1_048_576))
    .action(flags => supervise(io, flags))
  examples(command, [
    'feedctl queue supervise',
    'feedctl queue supervise --min 2 --max 8 --target-wait 60',
    'feedctl queue supervise --metrics 9464 --max-jobs 10000 --memory 512',
  ])
}

async function supervise(io: Io, flags: SuperviseFlags): Promise<void> {
  const max = flags.max ?? Math.max(flags.min, availableParallelism())
  if (flags.min > max) {
    throw new Failure('USAGE', `--min ${flags.min} is above --max ${max}`, { hint: `--max ${flags.min}` })
  }
  if (flags.metrics !== undefined) await refuseListen(flags.metrics)
  const { Supervisor, Systemd } = await import('../../src/queues/supervisor/index.js')
  await using app = await opening(io)
  const systemd = new Systemd(io.env, io.log)
  const supervisor = new Supervisor({ ...(await settingsOf(app, io, flags)), min: flags.min, max, systemd })
  await using _beside = await startBeside(app, io, flags)
  io.onSignal('SIGUSR1', () => supervisor.pause())
  io.onSignal('SIGUSR2', () => supervisor.resume())
  io.onSignal('SIGHUP', () => supervisor.reload())
  io.note(`supervising ${flags.min} to ${counted(max, 'worker')} (pid ${process.pid}); Ctrl-C drains`)
  const end = await supervisor.run(io.signal)
  io.print(end, asText)
  io.signal.throwIfAborted()
}

/** Before anything is opened. @throws {Failure} USAGE */
async function refuseListen(metrics: string): Promise<void> {
  const { parseListen } = await import('../../src/watch/listen.js')
  try {
    parseListen(metrics)
  } catch (error) {
    const hint = '--metrics 9464, or --metrics 0.0.0.0:9464'
    throw new Failure('USAGE', `--metrics ${JSON.stringify(metrics.slice(0, 100))} is no port to listen on`, {
      hint,
      cause: error,
    })
  }
}

async function settingsOf(app: App, io: Io, flags: SuperviseFlags): Promise<Omit<SupervisorOptions, 'min' | 'max' | 'systemd'>> {
  const { memoryForWorkers, withoutSystemd } = await import('../../src/queues/supervisor/index.js')
  const { config } = app
  const installation = installationOf(config)
  const board = await app.board()
  return {
    targetWaitMs: flags.targetWait * 1000,
    queues: await queueNames(flags.queue),
    slots: flags.concurrency,
    memoryBytes: memoryForWorkers(config.workersMemoryMb),
    connections: await connectionsOf(app, board),
    patience: { drainMs: config.drainMs, jobMs: config.jobTimeoutS * 1000 },
    installation,
    command: { argv: workerCommand(io, flags, installation), env: withoutSystemd(io.env) },
    desk: await app.desk(),
    board,
    log: io.log,
    note: line => io.note(line),
  }
}

/** What MySQL connections there are for the workers; null on SQLite. */
async function connectionsOf({ catalog, config }: App, board: Board): Promise<Budget | null> {
  const [{ maxConnections }, { roomForProcesses }] = await Promise.all([
    import('../../src/tenants/databases/index.js'),
    import('../../src/tenants/hosts/room.js'),
  ])
  const most = await maxConnections(catalog.database)
  if (most === null) return null
  const all = config.dbConnections ?? Math.floor(most * SHARE_OF_CONNECTIONS)
  const room = await roomForProcesses(
    catalog.kysely,
    (await board.workers()).map(({ id }) => id),
  )
  // Workers divide a budget among themselves, down to one connection each.
  return room === null ? { all, perWorker: config.dbPool } : { all: Math.min(all, room), perWorker: 1 }
}

/** Settings go by the environment, never by the command line, which everyone on the machine can read. */
function workerCommand(io: Io, flags: SuperviseFlags, installation: string): [string, ...string[]] {
  const limit = (name: string, value: number | undefined) => (value === undefined ? [] : [name, String(value)])
  return [
    process.execPath,
    // Node would take --env-file for its own, wherever it stands.
    '--',
    fileURLToPath(import.meta.resolve('#bin')),
    ...['queue', 'work', '--supervisor', thisProcess(), '--installation', installation, '--json', '--quiet'],
    ...limit('--concurrency', flags.concurrency),
    ...limit('--tries', flags.tries),
    ...limit('--max-jobs', flags.maxJobs),
    ...limit('--max-time', flags.maxTime),
    ...limit('--memory', flags.memory),
    ...(io.flags.envFile === null ? [] : ['--env-file', io.flags.envFile]),
    ...(io.flags.logLevel === null ? [] : ['--log-level', io.flags.logLevel]),
  ]
}

/** The same for all whose queues are the same, in words that give nothing away. */
function installationOf({ redisUrl, redisHost, redisPort, redisClusterNodes, redisPrefix }: Config): string {
  const url = redisUrl === null ? null : redisUrl.replace(/\/\/[^/]*@/, '//')
  return shortHash(JSON.stringify([url ?? [redisHost, redisPort], redisClusterNodes, redisPrefix]))
}

/** What else runs in the supervisor: the schedule, alerts, metrics. To be disposed of before the app. */
async function startBeside(app: App, io: Io, flags: SuperviseFlags): Promise<AsyncDisposable> {
  const parts: { close(): Promise<void> }[] = []
  const close = async () => {
    for (const part of parts.splice(0)) await part.close()
  }
  try {
    if (flags.schedule) parts.push(await startSchedule(app, io))
    parts.push(...(await startWatch(app, io, flags.metrics ?? app.config.metricsListen)))
  } catch (error) {
    await close()
    throw error
  }
  return { [Symbol.asyncDispose]: close }
}

/** Alerts, and metrics where they are asked for. */
async function startWatch(app: App, io: Io, listen: string | null): Promise<{ close(): Promise<void> }[]> {
  const [{ openWatch }, { AlertKeeper }, { serveMetrics }] = await Promise.all([
    import('../../src/watch/gather.js'),
    import('../../src/watch/alerts.js'),
    import('../../src/watch/metrics.js'),
  ])
  const { config, catalog } = app
  const watch = await openWatch(app)
  const overview = () => watch.overview()
  const alerts = new AlertKeeper({ catalog, config, log: io.log, overview })
  const metrics = listen === null ? null : await serveMetrics(listen, overview, io.log)
  if (metrics !== null) io.note(`metrics at http://${metrics.address}/metrics`)
  alerts.start()
  return metrics === null ? [alerts] : [alerts, metrics]
}

async function startSchedule(app: App, io: Io): Promise<{ close(): Promise<void> }> {
  const [{ ScheduleKeeper }, { scheduleOf }] = await Promise.all([
    import('../../src/schedule/keeper.js'),
    import('../../src/schedule/entries.js'),
  ])
  return new ScheduleKeeper({ schedules: await app.schedules(), entries: scheduleOf(app.config), log: io.log }).start()
}

function asText(end: FleetEnd): string {
  const jobs = `done: ${counted(end.finished, 'job')} finished, ${end.failed} failed, ${end.handedBack} handed back`
  const workers = `${counted(end.started, 'worker')} started, ${end.died} died`
  const interrupted = end.interrupted.map(
    job => `  ${job.name} ${job.tenantId === null ? job.id : `of tenant ${job.tenantId}`} (${job.queue})`,
  )
  return [`${jobs}; ${workers}`, ...(interrupted.length === 0 ? [] : ['interrupted, and run again later:', ...interrupted])].join(
    '\n',
  )
}
