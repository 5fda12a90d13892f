import type { BenchResult, MeasuredBench } from '../../src/bench/result.js'
import { keepResult } from '../../src/bench/results/history.js'
import type { Io, Style } from '../../src/cli/io.js'
import { toJson } from '../../src/cli/json.js'
import { readVersion } from '../../src/cli/version.js'
import { wordsOf } from '../../src/kernel/errors.js'
import type { Phase } from '../../src/watch/phases.js'
import { settingsOf } from '../opening.js'
import { refuseMisses } from './verdicts.js'

/** What a scenario came to, and its text for people. */
export interface Measured<Result extends BenchResult> {
  readonly result: Result
  readonly asText: (result: Result, style: Style) => string
}

export interface Finish<Result extends BenchResult> extends Measured<Result> {
  /** When it began, epoch ms. */
  readonly at: number
  /** What all rows are judged as; null: each as it is. */
  readonly phase: Phase | null
  /** What to try when a target is missed; null where a miss ends nothing. */
  readonly hint: string | null
}

/** Keeps the result and prints it. That it cannot be kept is told, and fails nothing. @throws {Failure} CHECK_FAILED */
export async function finish<Result extends BenchResult>(
  io: Io,
  { result, asText, at, phase, hint }: Finish<Result>,
): Promise<void> {
  const rows = phase === null ? result.rows : result.rows.map(row => ({ ...row, phase }))
  const { scenario, ...rest } = { ...result, rows }
  const measured = { scenario, at, version: readVersion(), ...rest } as Result & MeasuredBench
  const kept = await keep(io, measured)
  io.print({ ...measured, kept }, (value, style) => `${asText(value, style)}\n${whenText(value, style)}`)
  if (kept !== null && !io.flags.json) io.note(`this result is kept as ${kept}`)
  if (hint !== null) refuseMisses(rows, hint)
}

/** Where it is; null where it could not be written. */
async function keep(io: Io, measured: MeasuredBench): Promise<string | null> {
  try {
    return await keepResult(settingsOf(io).data, measured.scenario, new Date(measured.at), toJson(measured))
  } catch (error) {
    io.note(`this result is not kept: ${wordsOf(error)}`)
    return null
  }
}

function whenText({ at, version }: MeasuredBench, style: Style): string {
  const begun = new Date(at)
    .toISOString()
    .replace('T', ' ')
    .replace(/:\d\d\.\d{3}Z$/, ' UTC')
  return style.dim(`begun ${begun}, by feedctl ${version}`)
}
