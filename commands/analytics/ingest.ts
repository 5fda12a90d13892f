import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { CountedAlongside, CountingAlongside } from '../../src/analytics/count-alongside.js'
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
  /** Null where others count, and when it failed. */
  readonly counted: CountedAlongside | null
  /** Why nothing more could be counted; null when it could. */
  readonly fault: unknown
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
  if (report.fault !== null) throw report.fault
  const partial = partialOf(report)
  if (partial !== null) throw partial
}

/** What others sent, and cannot be counted now, is no matter of this command. */
function partialOf({ events, tenants, counted: sums }: Shown): Failure | null {
  const [first, ...others] = sums?.failures.filter(({ tenantId }) => tenants.has(tenantId)) ?? []
  const waiting =
    first === undefined
      ? []
      : [`events of ${counted(1 + others.length, 'tenant')} could not be counted now, and wait: ${first.failure.message}`]
  const refused = events.refused === 0 ? [] : [`${counted(events.refused, 'event')} of ${count(events.read)} were refused`]
  if (waiting.length + refused.length === 0) return null
  return new Failure('PARTIAL', [...refused, ...waiting].join('; '), {
    hint: refused.length > 0 ? 'mend the refused lines, and send them alone: the others are accepted' : 'feedctl analytics flush',
    cause: first?.failure,
  })
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
    const end = await countRest(io.signal.aborted ? null : alongside)
    return { ...report, ...end, durationMs: performance.now() - startedAt }
  } finally {
    progress.stop()
    await alongside?.stop()
    await waker.close()
  }
}

/** What was accepted is told of also when counting fails. */
async function countRest(alongside: CountingAlongside | null): Promise<Pick<Shown, 'counted' | 'fault'>> {
  try {
    return { counted: (await alongside?.end()) ?? null, fault: null }
  } catch (error) {
    return { counted: null, fault: error }
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

function shownJson({ durationMs, counted: sums, fault: _, tenants, ...report }: Shown) {
  return {
    ...report,
    tenants: tenants.size,
    counted: sums === null ? null : { events: sums.events, repeatedBatches: sums.repeated, returnedBatches: sums.returned },
    durationMs: Math.round(durationMs),
  }
}

function asText({ events, batches, tenants, refusals, complete, counted: sums, durationMs }: Shown): string {
  const head = `${counted(events.read, 'event')} read in ${duration(durationMs)}: ${count(events.accepted)} accepted of ${counted(tenants.size, 'tenant')}`
  const asides = [
    ...(sums !== null && sums.repeated > 0 ? [`${batchesOf(sums.repeated)} had been before`] : []),
    ...(sums !== null && sums.returned > 0 ? [`${batchesOf(sums.returned)} wait`] : []),
  ]
  const fate = sums === null ? '' : `, ${count(sums.events)} counted${asides.length === 0 ? '' : ` (${asides.join(', ')})`}`
  const rest = complete ? '' : '\nstopped before the end: the same command counts nothing twice'
  const lines = refusals.map(({ line, message }) => `  line ${line}: ${showControls(message)}`)
  const refused = events.refused === 0 ? '' : `\n${counted(events.refused, 'event')} refused:\n${lines.join('\n')}`
  return `${head} in ${batchesOf(batches)}${fate}${rest}${refused}`
}

function batchesOf(number: number): string {
  return `${count(number)} ${number === 1 ? 'batch' : 'batches'}`
}
