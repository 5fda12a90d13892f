import type { GuideBenchResult } from '../../src/bench/guide/bench.js'
import { count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { driversText, machineText, shownFigure } from './figure-text.js'
import { verdictLines } from './verdicts.js'

/** The result as a person reads it: what was measured on what, a line for each figure, and why those that do not count do not. */
export function asText({ machine, settings, rows }: GuideBenchResult, style: Style): string {
  return [
    `${style.bold('guide')} ${count(settings.requests)} requests of ${count(settings.tenants)} tenants, one in ${count(settings.writeEvery)} a write; statements are per 1,000 of them`,
    style.dim(driversText(machine)),
    style.dim(machineText(machine)),
    '',
    ...verdictLines(rows, settings.repeat, shownFigure, style),
  ].join('\n')
}
