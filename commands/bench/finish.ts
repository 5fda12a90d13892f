import { type Row, verdictOf } from '../../src/bench/judging.js'
import type { BenchResult, MeasuredBench } from '../../src/bench/result.js'
import { type Comparison, compare } from '../../src/bench/results/comparison.js'
import { differencesOf } from '../../src/bench/results/differences.js'
import { keepResult, pruneResults } from '../../src/bench/results/history.js'
import { withoutSecrets } from '../../src/bench/results/secrets.js'
import { readStored } from '../../src/bench/results/stored.js'
import type { Io, Style } from '../../src/cli/io.js'
import { toJson } from '../../src/cli/json.js'
import { readVersion } from '../../src/cli/version.js'
import { wordsOf } from '../../src/kernel/errors.js'
import type { Phase } from '../../src/watch/phases.js'
import { settingsOf } from '../opening.js'
import { baselineText, momentText } from './baseline-text.js'
import type { Asked } from './prepare.js'
import { refuse } from './refusals.js'

/** What a scenario came to, and its text for people. */
export interface Measured<Result extends BenchResult> {
  readonly result: Result
  readonly asText: (result: Result, style: Style) => string
}

export interface Finish<Result extends BenchResult> extends Measured<Result>, Asked {
  /** When it began, epoch ms. */
  readonly at: number
  /** What all rows are judged as; null: each as it is. */
  readonly phase: Phase | null
  /** What to try when a target is missed; null where a miss ends nothing. */
  readonly hint: string | null
}

/**
 * Compares the result, keeps it, writes its page and prints it, without secrets. That it cannot be kept is told, and fails nothing; whatever fails, it is printed.
 * @throws {Failure} CHECK_FAILED; FILE_EXISTS, FILE_UNREADABLE, DISK_FULL where the page could not be written
 */
export async function finish<Result extends BenchResult>(io: Io, parts: Finish<Result>): Promise<void> {
  const { result, asText, at, phase, hint, report } = parts
  const hidden = (row: Row) => ({ ...row, why: withoutSecrets(row.why, text => io.redact(text)) })
  const rows = result.rows.map(row => judged(hidden(row), phase))
  const settings = withoutSecrets(result.settings, text => io.redact(text))
  const { scenario, ...rest } = { ...result, settings, rows }
  const plain = { scenario, at, version: readVersion(), ...rest } as Result & MeasuredBench
  const comparison = compared(plain, parts)
  const measured = comparison === null ? plain : { ...plain, baseline: comparison }
  const kept = await keep(io, measured)
  const unwritten = report === null ? null : await writePage(report, measured, io.flags.yes)
  io.print({ ...measured, kept }, (value, style) => `${asText(value, style)}\n${after(value, style, comparison)}`)
  if (kept !== null && !io.flags.json) io.note(`this result is kept as ${kept}`)
  if (report !== null && unwritten === null) io.note(`the report is ${report}`)
  try {
    refuse(rows, comparison, hint)
  } catch (refusal) {
    if (unwritten !== null) io.note(`the report is not written: ${wordsOf(unwritten.error)}`)
    throw refusal
  }
  if (unwritten !== null) throw unwritten.error
}

/** With the first baseline that was measured in the same way; null where none was asked for. */
function compared(measured: MeasuredBench, { baselines, worseBy }: Asked): Comparison | null {
  const [first] = baselines
  if (first === undefined) return null
  try {
    const now = readStored(toJson(measured), 'this result')
    const fitting = baselines.find(({ result }) => differencesOf(result, now).obstacles.length === 0)
    return compare(now, fitting ?? first, worseBy)
  } catch (error) {
    const obstacles = [`this result cannot be read back: ${wordsOf(error)}`]
    return { path: first.path, at: first.result.at ?? null, worseBy, obstacles, notes: [], rows: [] }
  }
}

function judged(row: Row, phase: Phase | null) {
  return { ...row, ...(phase === null ? {} : { phase }), verdict: verdictOf(row) }
}

/** Where it is; null where it could not be written. */
async function keep(io: Io, measured: MeasuredBench): Promise<string | null> {
  const { data } = settingsOf(io)
  try {
    const path = await keepResult(data, measured.scenario, new Date(measured.at), toJson(measured))
    await pruneResults(data, measured.scenario).catch(error => io.note(`older results are not removed: ${wordsOf(error)}`))
    return path
  } catch (error) {
    io.note(`this result is not kept: ${wordsOf(error)}`)
    return null
  }
}

/** Null when it is written. */
async function writePage(path: string, measured: MeasuredBench, agreed: boolean): Promise<{ readonly error: unknown } | null> {
  try {
    const [{ writeReport }, { reportPage }, { readAssets }] = await Promise.all([
      import('../../src/bench/report/place.js'),
      import('../../src/bench/report/page.js'),
      import('../../src/bench/report/assets.js'),
    ])
    await writeReport(path, reportPage(measured, await readAssets()), agreed)
    return null
  } catch (error) {
    return { error }
  }
}

function after({ at, version }: MeasuredBench, style: Style, comparison: Comparison | null): string {
  const begun = style.dim(`begun ${momentText(new Date(at).toISOString())}, by feedctl ${version}`)
  return comparison === null ? begun : `${begun}\n\n${baselineText(comparison, style)}`
}
