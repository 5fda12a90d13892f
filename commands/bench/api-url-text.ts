import type { UrlBenchResult } from '../../src/bench/url/bench.js'
import { bytes, count } from '../../src/cli/figures.js'
import type { Style } from '../../src/cli/io.js'
import { highestText, machineText, shownFigure } from './figure-text.js'
import { verdictLines } from './verdicts.js'

/** The result as a person reads it: what was asked and answered, a line for each figure, and why those that do not count do not. */
export function asText({ machine, settings, answers, rows, highestRate }: UrlBenchResult, style: Style): string {
  const { urls, connections, rate } = settings
  const answered = urls.map((url, n) => {
    const { status, bytes: size, location } = answers[n] as (typeof answers)[number]
    return `GET ${url} is answered with ${status}, ${bytes(size)}${location === null ? '' : `; not followed to ${location}`}`
  })
  const atRate = rate === null ? '' : `, ${count(rate)} per second in the open loop`
  return [
    `${style.bold('api')} ${count(connections)} connections${atRate}`,
    ...answered.map(line => style.dim(line)),
    style.dim(machineText(machine)),
    '',
    ...verdictLines(rows, settings.repeat, shownFigure, style),
    ...highestText(highestRate),
  ].join('\n')
}
