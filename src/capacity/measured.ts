import { cpus } from 'node:os'
import { type KeptBench, keptResults } from '../bench/results/history.js'
import type { Config } from '../kernel/config.js'
import { PHASES } from '../watch/phases.js'
import { METRICS, type MeasuredFigure } from './limits.js'
import type { StoredModel } from './processes.js'

const SCENARIOS = ['guide', 'api'] as const
/** The row that tells whether the model of its result holds. */
const MODEL_METRIC = 'scaling_knee_processes'

/** What benchmarks of this installation's data folder found. */
export interface Measured {
  /** One at most of each phase and metric. */
  readonly figures: readonly MeasuredFigure[]
  /** Of which nothing but 0 was measured: that shows no capacity. */
  readonly zeros: readonly Pick<MeasuredFigure, 'phase' | 'metric'>[]
  /** How throughput grows with processes; null where no benchmark measured that. */
  readonly model: { readonly is: StoredModel; readonly at: number } | null
  /** Results that were read. */
  readonly results: number
  /** Of them, those that do not count: they were measured with other drivers, on another machine, or of an API that a URL named. */
  readonly elsewhere: number
  /** When the newest that counts and has anything valid was measured, epoch ms; null without any. */
  readonly newestAt: number | null
}

export type Drivers = Pick<Config, 'dbConnection' | 'cacheDriver' | 'queueConnection'>
export type Processor = Pick<KeptBench['result']['machine'], 'cpus' | 'cpu_model'>

/** Of all results that are kept: newer ones that do not count must not hide one that does. @throws an Error when their folder cannot be read */
export async function readMeasured(data: string, drivers: Drivers): Promise<Measured> {
  const kept = await Promise.all(SCENARIOS.map(scenario => keptResults(data, scenario, Number.POSITIVE_INFINITY)))
  const cores = cpus()
  return measuredIn(kept.flat(), drivers, { cpus: cores.length, cpu_model: cores[0]?.model.trim() ?? 'unknown' })
}

/** The newest valid figure of each phase and metric, and the newest model that holds, of results that were measured with these drivers on this processor. */
export function measuredIn(kept: readonly KeptBench[], drivers: Drivers, processor: Processor): Measured {
  const counting = kept.filter(each => isOf(each, drivers, processor)).toSorted((one, other) => other.at - one.at)
  const looked = PHASES.flatMap(({ name: phase }) => METRICS.flatMap(metric => figureOf(counting, phase, metric)))
  const fitted = counting.find(({ result }) => result.rows.some(({ metric, valid }) => metric === MODEL_METRIC && valid))
  return {
    figures: looked.filter(({ measured }) => measured > 0),
    zeros: looked.filter(({ measured }) => measured === 0).map(({ phase, metric }) => ({ phase, metric })),
    model: fitted?.result.model == null ? null : { is: fitted.result.model, at: fitted.at },
    results: kept.length,
    elsewhere: kept.length - counting.length,
    newestAt: counting.find(({ result }) => result.rows.some(({ valid }) => valid))?.at ?? null,
  }
}

/** What was measured of an API that a URL named may be anybody's. */
function isOf({ result }: KeptBench, { dbConnection, cacheDriver, queueConnection }: Drivers, processor: Processor): boolean {
  const { drivers, cpus, cpu_model: model } = result.machine
  const isOurs = (result.settings.urls ?? null) === null && cpus === processor.cpus && model === processor.cpu_model
  return isOurs && drivers.db === dbConnection && drivers.cache === cacheDriver && drivers.queue === queueConnection
}

/** The newest above 0, or else the newest; none where nothing is valid. */
function figureOf(
  kept: readonly KeptBench[],
  phase: MeasuredFigure['phase'],
  metric: MeasuredFigure['metric'],
): MeasuredFigure[] {
  const figures = kept.flatMap(({ at, result }) =>
    result.rows.flatMap(row => {
      const isIt = row.phase === phase && row.metric === metric && row.valid
      return isIt && row.measured !== null ? [{ phase, metric, measured: row.measured, at }] : []
    }),
  )
  const found = figures.find(({ measured }) => measured > 0) ?? figures[0]
  return found === undefined ? [] : [found]
}
