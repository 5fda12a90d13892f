import type { Command } from '@commander-js/extra-typings'
import { count, counted, duration } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import { showControls } from '../../src/cli/width.js'
import type { FailedJob, QueueDesk } from '../../src/queues/index.js'
import { opening } from '../opening.js'
import { examples, wholeNumber } from '../program.js'
import { type Failures, type JobView, openFailures, type Selection, selectionOf, viewsOf } from './failed-jobs.js'
import { type FailureGroup, groupFailures } from './failure-groups.js'

interface FailedFlags {
  readonly tenant?: string
  readonly error?: string
  readonly group?: true
  readonly limit: number
}

export function registerFailed(queue: Command, io: Io): void {
  const command = queue
    .command('failed')
    .description('list the jobs that failed for good or are in quarantine, newest first')
    .option('--tenant <slug>', "only this tenant's")
    .option('--error <fingerprint>', 'only failures of this kind')
    .option('--group', 'by kind of failure, the most frequent first')
    .option('--limit <n>', 'most jobs that are listed', wholeNumber(1, 10_000), 50)
    .action(flags => failed(io, flags))
  examples(command, [
    'feedctl queue failed',
    'feedctl queue failed --group',
    'feedctl queue failed --tenant acme --error 1f2e3d4c --json',
  ])
}

async function failed(io: Io, flags: FailedFlags): Promise<void> {
  await using app = await opening(io)
  const selection = await selectionOf(app, flags)
  const failures = await openFailures(app)
  if (flags.group) {
    const groups = await groupFailures(failures.select(selection))
    return io.print({ groups }, (value, style) => groupWords(value.groups, style))
  }
  const { jobs, total } = await newest(failures, selection, flags.limit)
  io.print({ failed: await viewsOf(app, jobs), total }, (value, style) => listWords(value.failed, value.total, style))
}

/** The first `limit` of the selection, and how many there are. */
async function newest(
  { desk, select }: Failures,
  selection: Selection,
  limit: number,
): Promise<{ jobs: FailedJob[]; total: number }> {
  const jobs: FailedJob[] = []
  let total = 0
  const isAll = selection.tenantId === null && selection.fingerprint === null
  for await (const job of select(selection)) {
    total++
    if (jobs.length < limit) jobs.push(job)
    else if (isAll && desk !== null) return { jobs, total: Math.max(total, await countFailed(desk)) }
  }
  return { jobs, total }
}

/** Of all of them the queues know the number. */
async function countFailed(desk: QueueDesk): Promise<number> {
  const counts = await desk.counts()
  return counts.reduce((sum, queue) => sum + queue.failed, 0)
}

function listWords(jobs: readonly JobView[], total: number, style: Style): string {
  if (jobs.length === 0) return 'no failed jobs'
  const now = Date.now()
  const rows = table(
    jobs,
    [
      // Right, so that it is never cut: it is what `queue retry` wants.
      { title: 'ID', cell: job => job.id, right: true },
      { title: 'QUEUE', cell: job => job.queue },
      { title: 'TENANT', cell: job => job.tenant ?? job.tenantId?.toString() ?? null },
      { title: 'AGO', cell: job => ago(job.failedAt, now), right: true },
      { title: 'TRIES', cell: job => job.attempts },
      { title: 'ERROR', cell: job => job.fingerprint, right: true },
      { title: 'REASON', cell: job => job.reason, paint: (text, job) => (job.quarantined ? style.red(text) : text) },
    ],
    style,
  )
  const histories = jobs
    .filter(job => job.quarantined)
    .map(job =>
      [`${style.red('in quarantine')} ${showControls(job.id)}`, ...job.history.map(line => `  ${showControls(line)}`)].join('\n'),
    )
  const more = total > jobs.length ? [`${count(total - jobs.length)} more: --limit, --group`] : []
  return [rows.trimEnd(), ...histories, ...more].join('\n')
}

function groupWords(groups: readonly FailureGroup[], style: Style): string {
  if (groups.length === 0) return 'no failed jobs'
  const now = Date.now()
  const rows = table(
    groups,
    [
      { title: 'ERROR', cell: group => group.fingerprint, right: true },
      { title: 'JOBS', cell: group => group.count },
      { title: 'TENANTS', cell: group => group.tenants },
      { title: 'LAST AGO', cell: group => ago(group.lastAt, now), right: true },
      { title: 'FIRST AGO', cell: group => ago(group.firstAt, now), right: true },
      { title: 'EXAMPLE', cell: group => group.example },
    ],
    style,
  )
  const quarantined = groups.reduce((sum, group) => sum + group.quarantined, 0)
  const note = quarantined === 0 ? [] : [`${counted(quarantined, 'job')} of them in quarantine`]
  return [rows.trimEnd(), ...note, `retry those of one kind: feedctl queue retry --error ${groups[0]?.fingerprint}`].join('\n')
}

function ago(at: number, now: number): string {
  return duration(Math.max(0, now - at))
}
