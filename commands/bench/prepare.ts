import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Baseline } from '../../src/bench/results/comparison.js'
import { keptResults } from '../../src/bench/results/history.js'
import { readStored } from '../../src/bench/results/stored.js'
import type { Scenario } from '../../src/bench/sizes.js'
import type { Io } from '../../src/cli/io.js'
import { Failure, wordsOf } from '../../src/kernel/errors.js'
import { settingsOf } from '../opening.js'

/** What is done with a result beside printing it. */
export interface Asked {
  readonly baseline: Baseline | null
  /** Percent. */
  readonly worseBy: number
  /** Absolute path of a page to write. */
  readonly report: string | null
}

/** Finds out before anything is measured what a run of minutes would only fail on. @throws {Failure} FILE_UNREADABLE, FILE_EXISTS */
export async function prepare(
  io: Io,
  scenario: Scenario,
  flags: { readonly baseline?: string | undefined; readonly worseBy: number; readonly report?: string | undefined },
): Promise<Asked> {
  const report = flags.report === undefined ? null : resolve(io.cwd, flags.report)
  if (report !== null) {
    const { checkReportPlace } = await import('../../src/bench/report/place.js')
    await checkReportPlace(report, io.flags.yes)
  }
  const baseline = flags.baseline === undefined ? null : await baselineOf(io, scenario, flags.baseline)
  return { baseline, worseBy: flags.worseBy, report }
}

async function baselineOf(io: Io, scenario: Scenario, name: string): Promise<Baseline> {
  const baseline = name === 'last' ? await newest(io, scenario) : await readBaseline(resolve(io.cwd, name))
  if (baseline.result.scenario === scenario) return baseline
  throw new Failure(
    'FILE_UNREADABLE',
    `${baseline.path} is a result of bench ${baseline.result.scenario}, not of bench ${scenario}`,
  )
}

async function newest(io: Io, scenario: Scenario): Promise<Baseline> {
  const { data } = settingsOf(io)
  const [kept] = await keptResults(data, scenario, 1)
  if (kept !== undefined) return kept
  throw new Failure('FILE_UNREADABLE', `no result of bench ${scenario} is kept in ${data}`, {
    hint: `feedctl bench ${scenario}, which keeps one`,
  })
}

async function readBaseline(path: string): Promise<Baseline> {
  const text = await readFile(path, 'utf8').catch(error => {
    throw new Failure('FILE_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, { cause: error })
  })
  return { path, result: readStored(text, path) }
}
