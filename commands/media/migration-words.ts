import { bytes, count, counted, duration } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import type { DryRunReport } from '../../src/media/migration/dry-run.js'
import type { MigrationReport } from '../../src/media/migration/report.js'
import { paceWords } from '../../src/media/pace.js'
import { failureLines } from './failure-lines.js'

const REASONS_SHOWN = 8

export function usd(value: number): string {
  return `${value.toFixed(2)} USD`
}

export function reportWords(report: MigrationReport, style: Style): string {
  const { files, concurrency, durationMs } = report
  const rate = durationMs > 0 ? ` (${bytes(Math.round((report.bytes / durationMs) * 1000))}/s)` : ''
  const reasons = concurrency.reasons.slice(-REASONS_SHOWN).map(change => `    ${paceWords(change)}`)
  const failed = files.failed > 0 ? style.red(`${count(files.failed)} failed`) : '0 failed'
  return [
    `${style.bold('migrated')} ${count(files.migrated)} of ${counted(files.total, 'file')}, ${bytes(report.bytes)}, in ${duration(durationMs)}${rate}`,
    `  files        ${count(files.skipped)} were there before, ${failed}${files.vanished > 0 ? `, ${count(files.vanished)} vanished meanwhile` : ''}`,
    ...(report.ignored > 0 ? [`  left alone   ${counted(report.ignored, 'link')} or special files`] : []),
    `  in flight    ${concurrency.start} at first, ${concurrency.end} at the end`,
    ...reasons,
    ...failureLines(report.failures, report.failures.length, style),
  ].join('\n')
}

export function dryRunWords(report: DryRunReport, style: Style): string {
  const { files, cost, small, elsewhere, egress, estimate } = report
  return [
    `${style.bold('would migrate')} ${count(files.waiting)} of ${counted(files.total, 'file')}, ${bytes(report.bytes.waiting)} of ${bytes(report.bytes.total)}`,
    `  small     ${counted(small.files, 'object')} under 4 KB, billed as 4 KB each: ${bytes(small.paddedBytes)} more`,
    ...(elsewhere.files > 0
      ? [`  besides   ${counted(elsewhere.files, 'file')} in the bucket already, ${bytes(elsewhere.bytes)}`]
      : []),
    `  cost      ${usd(cost.monthlyUsd)} a month for ${bytes(cost.billedBytes)}${cost.isMinimum ? ', the least that is billed' : ''}`,
    `  exposure  ${usd(cost.exposureUsd)} are owed for ${cost.minimumDays} days, even if all is removed at once`,
    egress === null
      ? '  egress    no reads were counted so far; as much as is stored may be read each month'
      : `  egress    ${counted(egress.reads, 'read')} since counting began, about ${bytes(egress.bytes)}: ${egress.ratio.toFixed(2)} of what is stored; those of one month may be up to 1.0`,
    estimate === null
      ? '  time      nothing to upload'
      : estimate.uploadMs === null
        ? '  time      not measured: no file could be uploaded as a probe'
        : `  time      about ${duration(estimate.uploadMs)} with ${estimate.concurrency} in flight, from ${counted(estimate.probedFiles, 'file')} uploaded as a probe and removed`,
    ...failureLines(report.failures, report.failures.length, style),
  ].join('\n')
}
