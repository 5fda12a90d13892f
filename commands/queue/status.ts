import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { QueueName } from '../../src/queues/index.js'
import type { QueueOverview } from '../../src/watch/overview.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { standingDocument } from '../standing.js'
import { queueNames } from './queue-names.js'
import { type Health, statusWords } from './status-words.js'

const WITHIN_S = 10

interface StatusFlags {
  readonly health?: true
  readonly queue?: string
  readonly within?: number
}

export function registerStatus(queue: Command, io: Io): void {
  const command = queue
    .command('status')
    .description('show queues, workers, supervisors and alerts; or whether the queues are consumed')
    .option('--health', 'send a job that does nothing through each queue: exit status 0 when all are consumed, 8 when not')
    .option('--queue <names>', 'only these queues, as sync,media (default: all)')
    .option('--within <s>', `how long --health waits for a worker, seconds (default: ${WITHIN_S})`, wholeNumber(1, 60))
    .action(flags => status(io, flags))
  examples(command, ['feedctl queue status', 'feedctl queue status --health --queue sync --quiet', 'feedctl queue status --json'])
}

async function status(io: Io, flags: StatusFlags): Promise<void> {
  if (flags.within !== undefined && flags.health === undefined) {
    throw new Failure('USAGE', '--within needs --health', { hint: 'feedctl queue status --health --within 5' })
  }
  const names = await queueNames(flags.queue)
  await using app = await opening(io)
  const { openWatch } = await import('../../src/watch/gather.js')
  const overview = await (await openWatch(app)).queues()
  const health = flags.health ? await healthOf(app, io, names, (flags.within ?? WITHIN_S) * 1000) : null
  const shown = { ...overview, queues: overview.queues.filter(({ name }) => names.includes(name)) }
  io.print(documentOf(shown, health), (_, style) => statusWords(shown, health, style))
  if (health !== null) refuseUnconsumed(health)
}

/** All queues at once; without a queue there is nothing that could stand still. */
async function healthOf(app: App, io: Io, names: readonly QueueName[], withinMs: number): Promise<Health[]> {
  if (app.config.queueConnection === 'sync') {
    const why = 'jobs run in the command that begins them'
    return names.map(queue => ({ queue, consuming: true, afterMs: null, why }))
  }
  const [desk, board] = [await app.desk(), await app.board()]
  return Promise.all(names.map(name => desk.health(name, board, withinMs, io.signal)))
}

function refuseUnconsumed(health: readonly Health[]): void {
  const idle = health.filter(({ consuming }) => !consuming)
  const [first] = idle
  if (first === undefined) return
  const which = idle.map(({ queue, why }) => `${queue}: ${why}`).join('; ')
  const hint =
    first.why === 'paused' ? `feedctl queue resume --queue ${first.queue}` : `feedctl queue work --queue ${first.queue}`
  throw new Failure('CHECK_FAILED', `${counted(idle.length, 'queue')} not consumed (${which})`, { hint })
}

/** The keys in the order a reader looks for them. */
function documentOf(overview: QueueOverview, health: readonly Health[] | null) {
  const { driver, queues, workers, run } = overview
  const { supervisors, alerts } = standingDocument(overview)
  return { driver, queues, supervisors, workers, run, alerts, ...(health === null ? {} : { health }) }
}
