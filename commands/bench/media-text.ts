import type { MediaBenchResult } from '../../src/bench/media/bench.js'
import { bytes, count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { shownFigure } from './figure-text.js'
import { verdictLines } from './verdicts.js'

/** The result as a person reads it: what was measured on what, a line for each figure, and why those that do not count do not. */
export function asText({ machine, settings, rows }: MediaBenchResult, style: Style): string {
  const shapes = settings.shapes.map(shape => `${count(shape.files)} files of ${bytes(shape.bytes)}`)
  const other = settings.rclone === null ? 'no rclone' : `rclone ${settings.rclone} with ${count(settings.transfers)} transfers`
  return [
    `${style.bold('media')} of ${shapes.join(', and ')} to ${settings.endpoint}; beside ${other}`,
    style.dim(
      `${count(machine.cpus)} x ${machine.cpuModel}, ${bytes(machine.memoryBytes)}, Node ${machine.node}, ${machine.os}, ${machine.drivers.db}; the S3 server on it too`,
    ),
    '',
    ...verdictLines(rows, settings.repeat, shownFigure, style),
  ].join('\n')
}
