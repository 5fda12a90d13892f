import { type Command, Option } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import type { Config } from '../../src/kernel/config.js'
import type { Worker, WorkerEnd, WorkerLimit } from '../../src/queues/index.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { queueNames } from './queue-names.js'
import { openSupervisorLine, type SupervisorLine } from './supervisor-line.js'

type Reason = WorkerLimit | 'signal' | 'reload' | 'supervisor-gone'

const REASONS: Readonly<Record<Reason, string>> = {
  'max-jobs': '--max-jobs is reached',
  'max-time': '--max-time is over',
  memory: '--memory is exceeded',
  signal: 'told to stop',
  reload: 'SIGHUP',
  'supervisor-gone': 'the supervisor is gone',
}

interface WorkEnd extends WorkerEnd {
  readonly reason: Reason
}

interface WorkFlags {
  readonly queue?: string
  readonly concurrency: number
  readonly tries: number
  readonly maxJobs?: number
  readonly maxTime?: number
  readonly memory?: number
  readonly supervisor?: string
  readonly paused?: true
}

export function registerWork(queue: Command, io: Io): void {
  const command = queue
    .command('work')
    .description('consume the queues in this process until it is told to stop')
    .option('--queue <names>', 'queues to consume, as sync,media (default: all)')
    .option('--concurrency <n>', 'jobs of each queue at once', wholeNumber(1, 1000), 5)
    .option('--tries <n>', 'attempts before a job is failed', wholeNumber(1, 100), 5)
    .option('--max-jobs <n>', 'end after this many jobs', wholeNumber(1, 1_000_000_000))
    .option('--max-time <s>', 'end after this many seconds', wholeNumber(1, 2_592_000))
    .option('--memory <mb>', 'end when the process takes more memory than this', wholeNumber(32, 1_048_576))
    .addOption(new Option('--supervisor <id>').hideHelp())
    .addOption(new Option('--paused').hideHelp())
    // Nothing reads it but who looks for the workers of an installation among all processes.
    .addOption(new Option('--installation <mark>').hideHelp())
    .action(flags => work(io, flags))
  examples(command, [
    'feedctl queue work',
    'feedctl queue work --queue sync --concurrency 32 --tries 3',
    'feedctl queue work --max-jobs 1000 --max-time 3600 --memory 512',
  ])
}

async function work(io: Io, flags: WorkFlags): Promise<void> {
  const reload = new Promise<Reason>(resolve => io.onSignal('SIGHUP', () => resolve('reload')))
  if (flags.supervisor !== undefined) io.heedSigtermOnce()
  const queues = await queueNames(flags.queue)
  await using app = await opening(io)
  const line = flags.supervisor === undefined ? null : openSupervisorLine()
  try {
    const worker = await app.work({ ...settingsOf(flags), queues, tell: card => line?.tell(card) })
    warnOfMemoryCache(app, io)
    heed(worker, io, line)
    io.note(
      `working on ${queues.join(', ')}, ${counted(flags.concurrency, 'job')} of each at once (pid ${process.pid}); Ctrl-C drains`,
    )
    const gone = line?.gone.then((): Reason => 'supervisor-gone') ?? never()
    const told = Promise.race([stopped(io.signal), reload, gone])
    io.print(await drained(worker, told, app.config, io), asText)
  } finally {
    line?.close()
  }
  io.signal.throwIfAborted()
}

/** Drains it when it is told to, or has reached a limit: then jobs end first, since one that every worker hands back would never end. */
async function drained(worker: Worker, told: Promise<Reason>, { drainMs, jobTimeoutS }: Config, io: Io): Promise<WorkEnd> {
  const limit = await Promise.race([worker.ended, told.then(() => null)])
  if (limit !== null) {
    io.note(`draining (${REASONS[limit]}): what is in flight ends first, within ${jobTimeoutS} s`)
    const end = await Promise.race([worker.finish(), told.then(() => null)])
    if (end !== null) return { ...end, reason: limit }
  }
  const reason = await told
  io.note(`draining (${REASONS[reason]}): up to ${drainMs / 1000} s for what is in flight`)
  return { ...(await worker.stop(drainMs)), reason: limit ?? reason }
}

function settingsOf(flags: WorkFlags) {
  return {
    concurrency: flags.concurrency,
    tries: flags.tries,
    maxJobs: flags.maxJobs ?? null,
    maxTimeMs: flags.maxTime === undefined ? null : flags.maxTime * 1000,
    memoryBytes: flags.memory === undefined ? null : flags.memory * 1_000_000,
    supervisor: flags.supervisor ?? null,
    paused: flags.paused === true,
  }
}

function warnOfMemoryCache(app: App, io: Io): void {
  if (app.config.cacheDriver !== 'memory') return
  io.log.warn('CACHE_DRIVER is memory: workers cannot share documents, and ask publishers again; set CACHE_DRIVER=redis')
}

/** Pauses and resumes when it is told to, by a signal or by the supervisor. */
function heed(worker: Worker, io: Io, line: SupervisorLine | null): void {
  io.onSignal('SIGUSR1', () => {
    worker.pause()
    io.note('SIGUSR1: takes no new jobs; SIGUSR2 goes on')
  })
  io.onSignal('SIGUSR2', () => {
    worker.resume()
    io.note('SIGUSR2: takes jobs again')
  })
  line?.onOrder(order => worker[order]())
}

function stopped(signal: AbortSignal): Promise<Reason> {
  return new Promise(resolve => {
    if (signal.aborted) resolve('signal')
    signal.addEventListener('abort', () => resolve('signal'), { once: true })
  })
}

function never(): Promise<Reason> {
  return new Promise(() => {})
}

function asText({ finished, failed, handedBack, interrupted, reason }: WorkEnd): string {
  const sum = `done (${REASONS[reason]}): ${counted(finished, 'job')} finished, ${failed} failed, ${handedBack} handed back`
  const lines = interrupted.map(({ queue, name, tenantId, id }, index) => {
    const whose = tenantId === null ? '' : ` of tenant ${tenantId}`
    const how = index < handedBack ? 'handed back' : 'interrupted, and taken over later'
    return `  ${how}: ${name}${whose} (${queue}, job ${id})`
  })
  return [sum, ...lines].join('\n')
}
