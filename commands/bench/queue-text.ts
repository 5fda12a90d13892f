import type { QueueBenchResult } from '../../src/bench/queue/bench.js'
import { bytes, count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { shownFigure } from './figure-text.js'
import { verdictLines } from './verdicts.js'

/** The result as a person reads it: what was measured on what, a line for each figure, and why those that do not count do not. */
export function asText({ machine, settings, rows }: QueueBenchResult, style: Style): string {
  const { drivers } = machine
  return [
    `${style.bold('queue')} with ${count(settings.jobs)} jobs; ${count(settings.tenants)} tenants of ${count(settings.feedsPerTenant)} feeds beside one of ${count(settings.giantFeeds)}, ${count(settings.chunk)} feeds a job`,
    style.dim(`${drivers.db}, cache ${drivers.cache}, queue ${drivers.queue}, ${count(settings.workers)} workers`),
    style.dim(
      `${count(machine.cpus)} x ${machine.cpuModel}, ${bytes(machine.memoryBytes)}, Node ${machine.node}, ${machine.os}; feed server and databases on it too`,
    ),
    '',
    ...verdictLines(rows, settings.repeat, shownFigure, style),
  ].join('\n')
}
