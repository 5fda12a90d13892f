import { type KeptBench, keptResults } from '../bench/results/history.js'
import type { Config } from '../kernel/config.js'
import { PHASES } from '../watch/phases.js'
import { METRICS, type MeasuredFigure } from './limits.js'
import type { StoredModel } from './processes.js'

/** Of each benchmark, so many results are looked through: the newest. */
const LOOKED_THROUGH = 20
const SCENARIOS = ['guide', 'api'] as const

/** What benchmarks of this installation's data folder found. */
export interface Measured {
  /** One at most of each phase and metric. */
  readonly figures: readonly MeasuredFigure[]
  /** How throughput grows with processes; null where no benchmark measured that. */
  readonly model: { readonly is: StoredModel; readonly at: number } | null
  /** Results that were read. */
  readonly results: number
  /** Of them, those that do not count: they were measured with other drivers, or of an API that a URL named. */
  readonly elsewhere: number
  /** When the newest that counts was measured, epoch ms; null without any. */
  readonly newestAt: number | null
}

export type Drivers = Pick<Config, 'dbConnection' | 'cacheDriver' | 'queueConnection'>

/** @throws an Error when the folder of kept results cannot be read */
export async function readMeasured(data: string, drivers: Drivers): Promise<Measured> {
  const kept = await Promise.all(SCENARIOS.map(scenario => keptResults(data, scenario, LOOKED_THROUGH)))
  return measuredIn(kept.flat(), drivers)
}

/** The newest valid figure of each phase and metric, and the newest model, of results that were measured with these drivers. */
export function measuredIn(kept: readonly KeptBench[], drivers: Drivers): Measured {
  const counting = kept.filter(each => isOf(each, drivers)).toSorted((one, other) => other.at - one.at)
  const figures = PHASES.flatMap(({ name }) => METRICS.flatMap(metric => figureOf(counting, name, metric)))
  const fitted = counting.find(({ result }) => result.model !== null)
  return {
    figures,
    model: fitted?.result.model == null ? null : { is: fitted.result.model, at: fitted.at },
    results: kept.length,
    elsewhere: kept.length - counting.length,
    newestAt: counting[0]?.at ?? null,
  }
}

/** What was measured of an API that a URL named may be anybody's. */
function isOf({ result }: KeptBench, { dbConnection, cacheDriver, queueConnection }: Drivers): boolean {
  const { db, cache, queue } = result.machine.drivers
  const isOurs = (result.settings.urls ?? null) === null
  return isOurs && db === dbConnection && cache === cacheDriver && queue === queueConnection
}

function figureOf(
  kept: readonly KeptBench[],
  phase: MeasuredFigure['phase'],
  metric: MeasuredFigure['metric'],
): MeasuredFigure[] {
  for (const { at, result } of kept) {
    const row = result.rows.find(each => each.phase === phase && each.metric === metric && each.valid && each.measured !== null)
    if (row?.measured != null) return [{ phase, metric, measured: row.measured, at }]
  }
  return []
}
