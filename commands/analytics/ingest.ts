import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { CountedAlongside } from '../../src/analytics/count-alongside.js'
import type { IngestReport } from '../../src/analytics/ingest.js'
import type { App } from '../../src/app.js'
import { count, counted, duration } from '../../src/cli/figures.js'
import type { Io } from '../../src/cli/io.js'
import { showControls } from '../../src/cli/width.js'
import { Failure } from '../../src/kernel/errors.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { unreadable } from '../feed/bounded-file.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'

const CHUNK_BYTES = 1024 * 1024

interface Options {
  readonly tenant?: string | undefined
  readonly batchPrefix?: string | undefined
  readonly count?: boolean | undefined
}

interface Shown extends IngestReport {
  /** Null where others count. */
  readonly counted: CountedAlongside | null
  readonly durationMs: number
}

export function registerIngest(analytics: Command, io: Io): void {
  const command = analytics
    .command('ingest')
    .description('take in events, one on each line, and count them')
    .argument('[file]', 'NDJSON; - is stdin', '-')
    .option('--tenant <slug>', 'whose all events are (default: the `tenant` of each line)')
    .option(
      '--batch-prefix <text>',
      'told apart from what was read with another prefix (default: none for a file, a new one for stdin)',
    )
    .option('--count', 'count in this process, also where there are workers')
    .option('--no-count', 'leave the counting to others')
    .action((file, options) => ingestFile(io, file, options))
  examples(command, [
    'feedctl analytics ingest events.ndjson',
    'zcat views.ndjson.gz | feedctl analytics ingest - --tenant acme --batch-prefix 2026-11-29',
  ])
}

async function ingestFile(io: Io, file: string, options: Options): Promise<void> {
  const tenant = options.tenant === undefined ? null : parseSlug(options.tenant)
  await using app = await opening(io)
  const { getActiveTenant } = await import('../../src/tenants/tenant.js')
  if (tenant !== null) await getActiveTenant(app.catalog, tenant)
  const report = await ingestWith(io, app, file, { ...options, tenant })
  io.print(shownJson(report), () => asText(report))
  io.signal.throwIfAborted()
  if (report.events.refused > 0)
    throw new Failure('PARTIAL', `${counted(report.events.refused, 'event')} of ${count(report.events.read)} were refused`)
}

async function ingestWith(
  io: Io,
  app: App,
  file: string,
  options: Omit<Options, 'tenant'> & { tenant: ReturnType<typeof parseSlug> | null },
): Promise<Shown> {
  const [{ ingest }, { CountingAlongside }, { Waker }, { batchAnalytics }, { randomToken }] = await Promise.all([
    import('../../src/analytics/ingest.js'),
    import('../../src/analytics/count-alongside.js'),
    import('../../src/analytics/waker.js'),
    import('../../src/jobs.js'),
    import('../../src/kernel/hash.js'),
  ])
  const startedAt = performance.now()
  const { catalog, config, log } = app
  const events = await app.events()
  const alongside =
    (options.count ?? config.queueConnection === 'sync')
      ? new CountingAlongside({ catalog, log, events, rawDays: config.analyticsRawDays }, io.signal)
      : null
  const queue = config.queueConnection === 'redis' ? await app.queue(io.signal) : null
  const waker = new Waker(async () => queue?.add([batchAnalytics(0)]), log)
  const progress = io.progress('events', 'lines')
  progress.start(0)
  try {
    const parts = { catalog, events, keepsExtras: config.analyticsRawDays > 0, wake: waker.wake }
    const batchPrefix = options.batchPrefix ?? (file === '-' ? randomToken() : '')
    const told = (lines: number) => progress.update(lines)
    const report = await ingest(parts, bytesOf(io, file), {
      tenant: options.tenant,
      batchPrefix,
      signal: io.signal,
      progress: told,
    })
    const sums = io.signal.aborted ? null : await alongside?.end()
    return { ...report, counted: sums ?? null, durationMs: performance.now() - startedAt }
  } finally {
    progress.stop()
    await alongside?.stop()
    await waker.close()
  }
}

/** @throws {Failure} FILE_UNREADABLE */
async function* bytesOf(io: Io, file: string): AsyncGenerator<Uint8Array> {
  if (file === '-') {
    yield* io.stdin() as AsyncIterable<Uint8Array>
    return
  }
  try {
    await using handle = await open(resolve(io.cwd, file))
    yield* handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>
  } catch (error) {
    throw error instanceof Error && 'syscall' in error ? unreadable(error, file) : error
  }
}

function shownJson({ durationMs, counted: sums, ...report }: Shown) {
  return {
    ...report,
    counted: sums === null ? null : { events: sums.events, repeatedBatches: sums.repeated },
    durationMs: Math.round(durationMs),
  }
}

function asText({ events, batches, tenants, refusals, complete, counted: sums, durationMs }: Shown): string {
  const head = `${counted(events.read, 'event')} read in ${duration(durationMs)}: ${count(events.accepted)} accepted of ${counted(tenants, 'tenant')}`
  const fate =
    sums === null
      ? ''
      : `, ${count(sums.events)} counted${sums.repeated > 0 ? ` (${counted(sums.repeated, 'batch')} had been before)` : ''}`
  const rest = complete ? '' : '\nstopped before the end: the same command counts nothing twice'
  const lines = refusals.map(({ line, message }) => `  line ${line}: ${showControls(message)}`)
  const refused = events.refused === 0 ? '' : `\n${counted(events.refused, 'event')} refused:\n${lines.join('\n')}`
  return `${head} in ${count(batches)} batches${fate}${rest}${refused}`
}
