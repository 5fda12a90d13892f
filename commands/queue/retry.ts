import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import { count, counted } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { showControls } from '../../src/cli/width.js'
import { Failure } from '../../src/kernel/errors.js'
import type { QueueDesk, RetryEnd } from '../../src/queues/index.js'
import { parseTenantId, type TenantId } from '../../src/tenants/ids.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { type ChoiceFlags, checkChoice, type DeedEnd, eachFailed, endOf, type Handled } from './each-failed.js'
import { type Failures, type JobView, openFailures, selectionOf, viewsOf } from './failed-jobs.js'

const JOBS_SHOWN = 20
const END_OF: Readonly<Record<RetryEnd, DeedEnd>> = { retried: 'done', 'already-queued': 'merged', 'left-out': 'skipped' }

interface RetryFlags extends ChoiceFlags {
  readonly dryRun?: true
  readonly rate?: number
}

interface RetryReport {
  readonly retried: number
  /** One with their like that waits already. */
  readonly alreadyQueued: number
  readonly skipped: number
  readonly dryRun: boolean
  readonly jobs: readonly JobView[]
}

export function registerRetry(queue: Command, io: Io): void {
  const command = queue
    .command('retry')
    .description('put failed jobs back into their queues, and lift their quarantine')
    .argument('[ids...]', 'ids, as `queue failed` lists them')
    .option('--all', 'every failed job')
    .option('--tenant <slug>', "only this tenant's")
    .option('--error <fingerprint>', 'only failures of this kind: `queue failed --group`')
    .option('--dry-run', 'say which it would be, and retry none')
    .option('--rate <n>', 'most jobs per second', wholeNumber(1, 10_000))
    .action(async (ids, flags) => {
      checkChoice('retry', ids, flags)
      await retry(io, ids, flags)
    })
  examples(command, [
    'feedctl queue retry --error 1f2e3d4c --rate 20',
    'feedctl queue retry --tenant acme',
    'feedctl queue retry --all --dry-run',
  ])
}

async function retry(io: Io, ids: readonly string[], flags: RetryFlags): Promise<void> {
  await using app = await opening(io)
  const failures = await openFailures(app)
  if (failures.desk === null) await retryHere(app, io, failures, ids, flags)
  else await retryInQueue(app, io, { ...failures, desk: failures.desk }, ids, flags)
}

async function retryInQueue(
  app: App,
  io: Io,
  failures: Failures & { desk: QueueDesk },
  ids: readonly string[],
  flags: RetryFlags,
): Promise<void> {
  const dryRun = flags.dryRun === true
  const handled = await eachFailed(io, failures, {
    ids,
    selection: await selectionOf(app, flags),
    perS: dryRun ? null : (flags.rate ?? null),
    verb: dryRun ? null : 'retry',
    deed: async job => (dryRun ? 'done' : END_OF[await failures.desk.retry(job)]),
  })
  const { done, merged, skipped } = handled
  await print(app, io, handled, { retried: done, alreadyQueued: merged, skipped, dryRun })
  endOf(io, handled)
}

/** Where there is no queue, to retry a tenant's sync is to do it. @throws {Failure} PARTIAL when some failed again */
async function retryHere(app: App, io: Io, failures: Failures, ids: readonly string[], flags: RetryFlags): Promise<void> {
  if (flags.rate !== undefined) {
    throw new Failure('USAGE', '--rate needs a queue: here the tenants are synced by this command', {
      hint: 'QUEUE_CONNECTION=redis',
    })
  }
  const tenants: TenantId[] = []
  const handled = await eachFailed(io, failures, {
    ids,
    selection: await selectionOf(app, flags),
    perS: null,
    verb: null,
    deed: async ({ tenantId }) => {
      tenants.push(parseTenantId(tenantId ?? 0))
      return 'done'
    },
  })
  if (handled.failure !== null) throw handled.failure
  if (flags.dryRun === true || tenants.length === 0 || io.signal.aborted) {
    const dryRun = flags.dryRun === true
    await print(app, io, handled, { retried: dryRun ? handled.done : 0, alreadyQueued: 0, skipped: 0, dryRun })
    return endOf(io, handled)
  }
  const { ok, failed, skipped } = await syncHere(app, io, tenants)
  await print(app, io, handled, { retried: ok + failed, alreadyQueued: 0, skipped, dryRun: false })
  endOf(io, handled)
  if (failed > 0) {
    throw new Failure('PARTIAL', `${failed} of ${counted(tenants.length, 'tenant')} failed again`, {
      hint: 'feedctl queue failed',
    })
  }
}

async function syncHere(app: App, io: Io, tenants: readonly TenantId[]) {
  const { syncTenants } = await import('../../src/feeds/sync.js')
  const progress = io.progress('sync', 'tenants')
  progress.start(tenants.length)
  const report = await syncTenants(
    app.catalog,
    await app.jobs(io.signal),
    { tenants, forced: false, signal: io.signal, progress: ended => progress.update(ended) },
    io.log,
  )
  progress.stop()
  return report.tenants
}

async function print(app: App, io: Io, { jobs }: Handled, counts: Omit<RetryReport, 'jobs'>): Promise<void> {
  io.print({ ...counts, jobs: await viewsOf(app, jobs) }, asText)
}

function asText({ retried, alreadyQueued, skipped, dryRun, jobs }: RetryReport, style: Style): string {
  const queued = alreadyQueued > 0 ? `, ${count(alreadyQueued)} queued already` : ''
  const gone = skipped > 0 ? `, ${count(skipped)} left out` : ''
  const head = `${style.bold(dryRun ? 'would retry' : 'retried')} ${counted(retried, 'job')}${queued}${gone}`
  const shown = jobs.slice(0, JOBS_SHOWN).map(({ id, queue, name, tenant, reason }) => {
    return showControls(`  ${[id, queue, name, tenant ?? ''].filter(word => word !== '').join(' ')}: ${reason}`)
  })
  const more = retried > shown.length && shown.length > 0 ? [`  and ${count(retried - shown.length)} more`] : []
  return [head, ...(dryRun ? [...shown, ...more] : [])].join('\n')
}
