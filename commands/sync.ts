import type { App, SyncJobs } from '../src/app.js'
import { bytes, count, counted, duration } from '../src/cli/figures.js'
import type { Io, Style } from '../src/cli/io.js'
import type { SyncReport } from '../src/feeds/report.js'
import { Failure } from '../src/kernel/errors.js'
import type { TenantId } from '../src/tenants/ids.js'
import { opening } from './opening.js'
import { pinging } from './ping.js'
import { examples, type Program, wholeNumber } from './program.js'
import { storingMedia } from './sync-media.js'

const FAILURES_SHOWN = 20

interface SyncFlags {
  all?: true
  detach?: true
  force?: true
  concurrency?: number
}

export function register(program: Program, io: Io): void {
  const command = program
    .command('sync')
    .argument('[tenants...]', 'tenant slugs')
    .option('--all', 'every active tenant')
    .option('--detach', 'enqueue and return (QUEUE_CONNECTION=redis)')
    .option('--force', 'ask every source now, due or not')
    .option('--concurrency <n>', 'tenants at once (QUEUE_CONNECTION=sync)', wholeNumber(1, 1000))
    .option('--ping-url <url>', 'call <url>/start, then <url> or <url>/fail')
    .action(async (slugs, { pingUrl, ...options }) => {
      if (slugs.length > 0 === (options.all === true)) {
        throw new Failure('USAGE', 'name tenants, or pass --all', { hint: 'feedctl sync --all' })
      }
      await sync(io, slugs, options, pingUrl)
    })
  examples(command, [
    'feedctl sync --all',
    'feedctl sync acme globex',
    'feedctl sync --all --quiet --ping-url https://hc.example.com/abc',
  ])
}

/** What is open until the media is stored as well. */
interface Opened {
  app?: App
  jobs?: SyncJobs
}

/** The feeds, with the lock and the pings, decide how it ends; then the media that they brought is stored. */
async function sync(io: Io, slugs: readonly string[], options: SyncFlags, pingUrl: string | undefined): Promise<void> {
  const opened: Opened = {}
  try {
    await pinging(io, pingUrl, async () => {
      opened.app = await opening(io)
      await syncFeeds(opened.app, opened, io, slugs, options)
    })
  } finally {
    if (opened.jobs?.here) await storingMedia(opened.jobs.media, io)
    await opened.app?.[Symbol.asyncDispose]()
  }
}

async function syncFeeds(app: App, opened: Opened, io: Io, slugs: readonly string[], options: SyncFlags): Promise<void> {
  const tenants = options.all ? 'all' : await activeTenants(app, slugs)
  const deed = (signal: AbortSignal) =>
    options.detach ? enqueue(app, io, tenants, options) : follow(app, opened, io, tenants, options, signal)
  if (tenants !== 'all') return deed(io.signal)
  const { withLock } = await import('../src/tenants/locks.js')
  await withLock(app.catalog, 'sync --all', lost => deed(AbortSignal.any([io.signal, lost])))
}

async function follow(
  app: App,
  opened: Opened,
  io: Io,
  tenants: readonly TenantId[] | 'all',
  options: SyncFlags,
  signal: AbortSignal,
): Promise<void> {
  const { syncTenants } = await import('../src/feeds/sync.js')
  const jobs = await app.jobs(signal, options.concurrency === undefined ? {} : { concurrency: options.concurrency })
  opened.jobs = jobs
  const progress = io.progress('sync', 'tenants')
  let started = false
  const report = await syncTenants(
    app.catalog,
    jobs,
    {
      tenants,
      forced: options.force === true,
      signal,
      progress: (ended, total, failed) => {
        if (!started) progress.start(total)
        started = true
        progress.update(ended, failed > 0 ? { failed } : {})
      },
    },
    io.log,
  )
  progress.stop()
  io.print(report, asText)
  if (signal.aborted) {
    const left = report.tenants.skipped
    io.note(
      jobs.here ? `stopped: ${left} tenants were not begun; the next sync does them` : 'no longer following; the workers go on',
    )
    signal.throwIfAborted()
  }
  const { failed, total } = report.tenants
  if (failed > 0)
    throw new Failure('PARTIAL', `${failed} of ${total} tenants failed`, { hint: 'feedctl sync again; what is stored stays' })
  if (report.outage.feeds > 0)
    throw new Failure(
      'UNAVAILABLE',
      `publishers cannot be reached from here: ${counted(report.outage.feeds, 'feed')} not asked, none marked as failing`,
      { hint: 'look at the network and DNS of this machine, then sync again' },
    )
  if (report.feeds.failed > 0)
    throw new Failure('PARTIAL', `${report.feeds.failed} of ${report.feeds.total} feeds failed`, {
      hint: 'feedctl feed list <tenant> shows why and when each is asked next',
    })
}

async function enqueue(app: App, io: Io, tenants: readonly TenantId[] | 'all', options: SyncFlags): Promise<void> {
  const begun = performance.now()
  const { enqueueRun } = await import('../src/feeds/sync.js')
  const jobs = await app.jobs(io.signal)
  if (jobs.here) throw new Failure('USAGE', '--detach needs workers', { hint: 'QUEUE_CONNECTION=redis and feedctl queue work' })
  const { run, added, existing } = await enqueueRun(app.catalog, jobs, tenants, options.force === true)
  const result = { runId: run.runId, enqueued: added, alreadyQueued: existing, durationMs: Math.round(performance.now() - begun) }
  io.print(
    result,
    value =>
      `run ${value.runId}: ${count(value.enqueued)} tenants enqueued, ${count(value.alreadyQueued)} were queued already, in ${duration(value.durationMs)}`,
  )
}

async function activeTenants(app: App, slugs: readonly string[]): Promise<TenantId[]> {
  const [{ getActiveTenant }, { parseSlug }] = await Promise.all([
    import('../src/tenants/tenant.js'),
    import('../src/tenants/ids.js'),
  ])
  const ids = new Set<TenantId>()
  for (const slug of slugs) ids.add((await getActiveTenant(app.catalog, parseSlug(slug))).id)
  return [...ids]
}

function asText(report: SyncReport, style: Style): string {
  const { tenants, feeds, sources, posts, churn, outage } = report
  const bad = (value: number, words: string) => (value > 0 ? style.red(`${count(value)} ${words}`) : `0 ${words}`)
  const failures = report.failures.slice(0, FAILURES_SHOWN).map(failure => {
    const where = failure.url === null ? failure.tenant : `${failure.tenant} ${failure.url}`
    return `  ${where}: ${failure.message} ${style.dim(`(${failure.code})`)}`
  })
  const more = feeds.failed + tenants.failed - failures.length
  return [
    `${style.bold('synced')} ${count(tenants.ok)} of ${count(tenants.total)} tenants in ${duration(report.durationMs)} (${bad(tenants.failed, 'failed')}, ${count(tenants.skipped)} skipped)`,
    `  feeds    ${count(feeds.total)}: ${count(feeds.newVersion)} with a new version, ${count(feeds.unchanged)} unchanged, ${count(feeds.notDue)} not due, ${bad(feeds.failed, 'failed')}`,
    `  sources  ${count(sources.distinct)} distinct: ${count(sources.requests)} requests, ${count(sources.notModified)} not modified, ${bytes(sources.bytes)}`,
    `  posts    ${count(posts.new)} new, ${count(posts.updated)} updated${churn.held > 0 ? `, ${count(churn.held)} held back: their feeds changed all ids` : ''}`,
    ...(outage.feeds > 0
      ? [style.red(`  network  publishers cannot be reached: ${counted(outage.feeds, 'feed')} not asked`)]
      : []),
    ...(failures.length === 0 ? [] : ['failures', ...failures]),
    ...(more > 0 && failures.length > 0 ? [`  and ${count(more)} more: --json lists them`] : []),
  ].join('\n')
}
