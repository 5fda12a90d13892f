import type { AnalyticsBenchResult } from '../../src/bench/analytics/bench.js'
import { count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { driversText, machineText, shownFigure } from './figure-text.js'
import { verdictLines } from './verdicts.js'

/** The result as a person reads it: what was measured on what, a line for each figure, and why those that do not count do not. */
export function asText({ machine, settings, rows }: AnalyticsBenchResult, style: Style): string {
  const { eventsPerS, duration, tenants, workers, processes, gatheringS } = settings
  const rate = eventsPerS === null ? 'as many events as are accepted' : `${count(eventsPerS)} events per second`
  return [
    `${style.bold('analytics')} ${rate} for ${count(duration)} s, of ${count(tenants)} tenants, gathered for ${count(gatheringS)} s`,
    style.dim(`${driversText(machine)}; processes of the API: ${count(processes)}, workers on Redis: ${count(workers)}`),
    style.dim(machineText(machine)),
    '',
    ...verdictLines(rows, settings.repeat, shownFigure, style),
  ].join('\n')
}
