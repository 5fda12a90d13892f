import type { Command } from '@commander-js/extra-typings'
import type { CountReport } from '../../src/analytics/count-events.js'
import type { App } from '../../src/app.js'
import { count, counted, duration } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { Failure } from '../../src/kernel/errors.js'
import { opening } from '../opening.js'
import { pinging } from '../ping.js'
import { examples } from '../program.js'

const FAILURES_SHOWN = 20

export function registerFlush(analytics: Command, io: Io): void {
  const command = analytics
    .command('flush')
    .description('count the events that wait, now')
    .option('--ping-url <url>', 'call <url>/start, then <url> or <url>/fail')
    .action(({ pingUrl }) => pinging(io, pingUrl, () => start(io)))
  examples(command, ['feedctl analytics flush', 'feedctl analytics flush --quiet --ping-url https://hc.example.com/abc'])
}

async function start(io: Io): Promise<void> {
  await using app = await opening(io)
  const { withLock } = await import('../../src/tenants/locks.js')
  // Awaited here: the app is closed when this returns.
  await withLock(app.catalog, 'analytics flush', lost => flush(app, io, AbortSignal.any([io.signal, lost])))
}

async function flush(app: App, io: Io, signal: AbortSignal): Promise<void> {
  const begun = performance.now()
  const { countEvents } = await import('../../src/analytics/count-events.js')
  const { catalog, log, config } = app
  const parts = { catalog, log, events: await app.events(), rawDays: config.analyticsRawDays }
  const report = await countEvents(parts, signal, report => io.print(shownOf(report, performance.now() - begun), asText))
  signal.throwIfAborted()
  if (report.returned > 0)
    throw new Failure(
      'PARTIAL',
      `${batches(report.returned)} of ${counted(report.failures.length, 'tenant')} could not be counted, and wait`,
      {
        hint: 'feedctl doctor; feedctl analytics flush counts them when it is mended',
      },
    )
}

function shownOf(report: CountReport, ms: number) {
  const failures = report.failures.map(({ slug, failure: { code, message } }) => ({ tenant: slug, code, message }))
  return { ...report, failures, durationMs: Math.round(ms) }
}

function asText(report: ReturnType<typeof shownOf>, style: Style): string {
  const failures = report.failures
    .slice(0, FAILURES_SHOWN)
    .map(({ tenant, code, message }) => `  ${tenant}: ${message} ${style.dim(`(${code})`)}`)
  const asides = [
    ...(report.repeated > 0 ? [`${count(report.repeated)} had been counted before`] : []),
    ...(report.orphaned > 0 ? [`${count(report.orphaned)} of removed tenants dropped`] : []),
    ...(report.returned > 0 ? [style.red(`${count(report.returned)} wait`)] : []),
  ]
  return [
    `counted ${style.bold(counted(report.events, 'event'))} of ${batches(report.batches)} in ${duration(report.durationMs)}${asides.length === 0 ? '' : ` (${asides.join(', ')})`}`,
    ...(failures.length === 0 ? [] : ['failures', ...failures]),
  ].join('\n')
}

function batches(number: number): string {
  return `${count(number)} ${number === 1 ? 'batch' : 'batches'}`
}
