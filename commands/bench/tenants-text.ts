import type { TenantsBenchResult } from '../../src/bench/tenants/bench.js'
import { count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { driversText, machineText, shownFigure } from './figure-text.js'
import { verdictLines } from './verdicts.js'

/** The result as a person reads it: what was made on what, and a line for each figure. */
export function asText({ machine, settings, rows }: TenantsBenchResult, style: Style): string {
  const { dedicated, shared, signUps, connections } = settings
  const over = connections === null ? '' : `, over ${count(connections)} connections`
  return [
    `${style.bold('tenants')}: ${count(dedicated)} in databases of their own${over}, ${count(signUps)} sign-ups, ${count(shared)} in shared tables`,
    style.dim(driversText(machine)),
    style.dim(machineText(machine)),
    '',
    ...verdictLines(rows, settings.repeat, shownFigure, style),
  ].join('\n')
}
