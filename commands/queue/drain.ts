import type { Command } from '@commander-js/extra-typings'
import { count, counted } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { tenantIdOf } from './failed-jobs.js'
import { queueNames } from './queue-names.js'

interface DrainFlags {
  readonly queue?: string
  readonly tenant?: string
}

export function registerDrain(queue: Command, io: Io): void {
  const command = queue
    .command('drain')
    .summary('remove the jobs that wait; those that run go on')
    .description(
      'remove the jobs that wait; those that run go on. A tenant whose sync is removed is synced again when the schedule next finds it due: `queue pause --tenant` keeps it from that',
    )
    .option('--queue <names>', 'only these queues, as sync,media (default: all)')
    .option('--tenant <slug>', "only this tenant's jobs")
    .action(flags => drain(io, flags))
  examples(command, ['feedctl queue drain --queue media --yes', 'feedctl queue drain --tenant acme --yes'])
}

async function drain(io: Io, { queue, tenant }: DrainFlags): Promise<void> {
  const queues = await queueNames(queue)
  const { skipWaiting } = await import('../../src/feeds/runs.js')
  await using app = await opening(io)
  const tenantId = tenant === undefined ? null : await tenantIdOf(app, tenant)
  const desk = await app.desk()
  await io.confirm(`remove the jobs that wait in ${queues.join(', ')}${tenant === undefined ? '' : ` of tenant ${tenant}`}`)
  const drained: { queue: string; jobs: number }[] = []
  let tenantsSkipped = 0
  for (const name of queues) {
    if (io.signal.aborted) break
    drained.push({ queue: name, jobs: await desk.drain(name, tenantId) })
    // The rows of runs would have their jobs sent again.
    if (name === 'sync') tenantsSkipped = await skipWaiting(app.catalog, tenantId)
  }
  const total = drained.reduce((sum, one) => sum + one.jobs, 0)
  io.print({ drained, total, tenantsSkipped }, value =>
    [
      `removed ${counted(value.total, 'waiting job')}`,
      ...value.drained.filter(one => one.jobs > 0).map(one => `  ${one.queue}: ${count(one.jobs)}`),
      ...(tenantsSkipped > 0
        ? [`${counted(tenantsSkipped, 'tenant')} skipped in the runs that waited for ${tenantsSkipped === 1 ? 'it' : 'them'}`]
        : []),
    ].join('\n'),
  )
  io.signal.throwIfAborted()
}
