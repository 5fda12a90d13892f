import type { ApiBenchResult } from '../../src/bench/api/bench.js'
import { bytes, count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { driversText, highestText, machineText, shownFigure } from './figure-text.js'
import { verdictLines } from './verdicts.js'

/** The result as a person reads it: what was measured on what, a line for each figure, and why those that do not count do not. */
export function asText({ machine, settings, rows, highestRate }: ApiBenchResult, style: Style): string {
  const { answerBytes, connections, tenants, rate } = settings
  const what = answerBytes === null ? 'held' : `of ${bytes(answerBytes)}, ${count(rate)} per second in the open loop`
  return [
    `${style.bold('api')} ${settings.path} of ${count(tenants)} tenants; ${count(connections)} connections ${what}; processes: ${count(settings.workers)}`,
    style.dim(driversText(machine)),
    style.dim(machineText(machine)),
    '',
    ...verdictLines(rows, settings.repeat, shownFigure, style),
    ...highestText(highestRate),
  ].join('\n')
}
