import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isSound, type KnownBefore, obstaclesBefore } from '../../src/bench/results/baselines.js'
import { type Baseline, LEAST_SAMPLES } from '../../src/bench/results/comparison.js'
import { keptResults } from '../../src/bench/results/history.js'
import { readStored } from '../../src/bench/results/stored.js'
import type { Scenario } from '../../src/bench/sizes.js'
import { describeMachine } from '../../src/bench/sync/machine.js'
import type { Io } from '../../src/cli/io.js'
import { toJson, toSnakeCase } from '../../src/cli/json.js'
import { Failure, wordsOf } from '../../src/kernel/errors.js'
import { settingsOf } from '../opening.js'

/** What is done with a result beside printing it. */
export interface Asked {
  /** Any of them may be compared with, the first that can be before the others; empty where none was asked for. */
  readonly baselines: readonly Baseline[]
  /** Percent. */
  readonly worseBy: number
  /** Absolute path of a page to write. */
  readonly report: string | null
}

/** What is to be measured. */
export interface Planned {
  readonly scenario: Scenario
  readonly repeat: number
  /** Flags whose values are settled, by their names. */
  readonly known: object
}

/** Results that `last` is looked for in. */
const LOOKED_THROUGH = 200

/**
 * Finds out before anything is measured what a run of minutes would only fail on.
 * @throws {Failure} FILE_UNREADABLE, FILE_EXISTS; USAGE, CHECK_FAILED where nothing could be compared with the baseline
 */
export async function prepare(
  io: Io,
  planned: Planned,
  flags: { readonly baseline?: string | undefined; readonly worseBy: number; readonly report?: string | undefined },
): Promise<Asked> {
  const report = flags.report === undefined ? null : resolve(io.cwd, flags.report)
  if (report !== null) {
    const { checkReportPlace } = await import('../../src/bench/report/place.js')
    await checkReportPlace(report, io.flags.yes)
  }
  const baselines = flags.baseline === undefined ? [] : await baselinesOf(io, planned, flags.baseline)
  return { baselines, worseBy: flags.worseBy, report }
}

async function baselinesOf(io: Io, planned: Planned, name: string): Promise<Baseline[]> {
  const { scenario, repeat } = planned
  const before = knownBefore(io, planned)
  const found = name === 'last' ? await soundOnes(io, scenario, before) : [await named(io, scenario, name, before)]
  if (repeat >= LEAST_SAMPLES) return found
  throw new Failure('USAGE', `--repeat ${repeat} is too few to compare: it takes ${LEAST_SAMPLES} looks to know a spread`, {
    hint: `--repeat ${LEAST_SAMPLES}`,
  })
}

function knownBefore(io: Io, { known }: Planned): KnownBefore {
  const machine = JSON.parse(toJson(describeMachine(settingsOf(io)))) as KnownBefore['machine']
  const settings = Object.entries(known).filter(([, value]) => value !== undefined)
  return { machine, settings: Object.fromEntries(settings.map(([flag, value]) => [toSnakeCase(flag), value])) }
}

async function named(io: Io, scenario: Scenario, name: string, before: KnownBefore): Promise<Baseline> {
  const path = resolve(io.cwd, name)
  const text = await readFile(path, 'utf8').catch(error => {
    throw new Failure('FILE_UNREADABLE', `cannot read ${path}: ${wordsOf(error)}`, { cause: error })
  })
  const result = readStored(text, path)
  if (result.scenario !== scenario) {
    throw new Failure('FILE_UNREADABLE', `${path} is a result of bench ${result.scenario}, not of bench ${scenario}`)
  }
  const obstacles = obstaclesBefore(result, before)
  if (obstacles.length === 0) return { path, result }
  throw new Failure('CHECK_FAILED', `nothing can be compared with ${path}: ${obstacles.join('; ')}`, {
    hint: 'a result of the same command on this machine',
  })
}

async function soundOnes(io: Io, scenario: Scenario, before: KnownBefore): Promise<Baseline[]> {
  const { data } = settingsOf(io)
  const hint = `feedctl bench ${scenario}, which keeps one`
  const kept = await keptResults(data, scenario, LOOKED_THROUGH)
  const [newest] = kept
  if (newest === undefined) {
    throw new Failure('FILE_UNREADABLE', `no result of bench ${scenario} is kept in ${data}`, { hint })
  }
  const sound = kept.filter(({ result }) => isSound(result) && obstaclesBefore(result, before).length === 0)
  if (sound.length > 0) return sound
  const why = obstaclesBefore(newest.result, before)[0] ?? 'a promise in it is not valid, or it was itself worse'
  throw new Failure('CHECK_FAILED', `no kept result of bench ${scenario} can be compared with; the newest: ${why}`, { hint })
}
