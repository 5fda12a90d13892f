import type { Command } from '@commander-js/extra-typings'
import type { App } from '../../src/app.js'
import type { Io } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import type { PausedTenant } from '../../src/tenants/pausing.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { queueNames } from './queue-names.js'

interface PauseFlags {
  readonly queue?: string
  readonly tenant?: string
}

export function registerPause(queue: Command, io: Io): void {
  const command = queue
    .command('pause')
    .description('let nobody take jobs from queues, or none of a tenant, until they are resumed; those that run go on')
    .option('--queue <names>', 'only these queues, as sync,media (default: all)')
    .option('--tenant <slug>', "put this tenant's jobs aside, on every driver")
    .action(flags => (flags.tenant === undefined ? changeQueues(io, flags, true) : pauseOne(io, flags.tenant, flags)))
  examples(command, ['feedctl queue pause --queue media', 'feedctl queue pause --tenant acme', 'feedctl queue pause'])
}

export function registerResume(queue: Command, io: Io): void {
  const command = queue
    .command('resume')
    .description('take jobs again from paused queues, or those of a paused tenant')
    .option('--queue <names>', 'only these queues, as sync,media (default: all)')
    .option('--tenant <slug>', 'do the jobs of this tenant again, its sync at once')
    .action(flags => (flags.tenant === undefined ? changeQueues(io, flags, false) : resumeOne(io, flags.tenant, flags)))
  examples(command, ['feedctl queue resume', 'feedctl queue resume --tenant acme'])
}

async function changeQueues(io: Io, flags: PauseFlags, paused: boolean): Promise<void> {
  const names = await queueNames(flags.queue)
  await using app = await opening(io)
  const desk = await app.desk()
  for (const name of names) await (paused ? desk.pause(name) : desk.resume(name))
  io.print(
    { queues: names.map(name => ({ name, paused })) },
    () => `${names.join(', ')}: ${paused ? 'paused; the jobs under way go on' : 'resumed'}`,
  )
}

async function pauseOne(io: Io, slug: string, flags: PauseFlags): Promise<void> {
  refuseBoth('pause', flags)
  await using app = await opening(io)
  const [{ pauseTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/pausing.js'),
    import('../../src/tenants/ids.js'),
  ])
  const found = await pauseTenant(app.catalog, parseSlug(slug))
  io.print(
    { tenant: view(found) },
    () => `tenant ${slug} is paused: its jobs are put aside until \`feedctl queue resume --tenant ${slug}\``,
  )
}

async function resumeOne(io: Io, slug: string, flags: PauseFlags): Promise<void> {
  refuseBoth('resume', flags)
  await using app = await opening(io)
  const [{ resumeTenant }, { parseSlug }] = await Promise.all([
    import('../../src/tenants/pausing.js'),
    import('../../src/tenants/ids.js'),
  ])
  const found = await resumeTenant(app.catalog, parseSlug(slug))
  const runId = await enqueueSync(app, io, found)
  const next = runId === null ? 'it is due in the next sync' : `its sync is enqueued (run ${runId})`
  io.print({ tenant: view(found), runId }, () => `tenant ${slug} is not paused: ${next}`)
}

/** Null where it is not enqueued: there is no queue, or the tenant is not active. */
async function enqueueSync(app: App, io: Io, { tenant }: PausedTenant): Promise<string | null> {
  if (app.config.queueConnection !== 'redis' || tenant.state !== 'active') return null
  const { enqueueRun } = await import('../../src/feeds/sync.js')
  const { run } = await enqueueRun(app.catalog, await app.jobs(io.signal), [tenant.id], false)
  return run.runId
}

function refuseBoth(verb: 'pause' | 'resume', { queue, tenant }: PauseFlags): void {
  if (queue === undefined) return
  throw new Failure('USAGE', `a tenant is ${verb}d in every queue: pass --queue or --tenant`, {
    hint: `feedctl queue ${verb} --tenant ${tenant}`,
  })
}

function view({ tenant, pausedAt }: PausedTenant) {
  return { id: tenant.id, slug: tenant.slug, state: tenant.state, pausedAt }
}
