import { judge } from '../judging.js'
import { fitScalability, LEAST_POINTS } from '../model/fit.js'
import type { ScalabilityModel, ScalabilityPoint } from '../model/model.js'
import type { ChildPlace } from '../sync/child.js'
import type { Row } from '../sync/rows.js'
import type { Phase } from '../sync/targets.js'
import type { ClosedLoopOrder, LoopResult } from './closed-loop.js'
import type { Asked } from './expectations.js'
import { BUSY_CONNECTIONS } from './load.js'
import { type LoadProcess, saturation } from './load-process.js'
import { faultsOf } from './loop-faults.js'
import { Service } from './service.js'
import { withoutCache } from './uncached.js'

/** Processes of the API: enough for a model, and past the cores of a small machine. */
export const SCALING_PROCESSES = [1, 2, 3, 4, 6, 8] as const
const REPEATS = 3
const WARM_UP_MS = 1_000

export interface ScalingParts {
  /** Where the API runs, and what it finds there. */
  readonly place: ChildPlace
  readonly asked: readonly Asked[]
  readonly generator: LoadProcess
  /** How long each number of processes is asked in each turn. */
  readonly stepMs: number
  readonly note: (line: string) => void
  readonly signal: AbortSignal
}

export interface Scaling {
  readonly points: readonly ScalabilityPoint[]
  /** Null where there are too few points that count. */
  readonly model: ScalabilityModel | null
  /** Why it is not valid; empty when it is. */
  readonly faults: readonly string[]
}

/**
 * Asks the API over the same number of connections, served by more and more processes of one `feedctl serve --workers`, without its cache: what it answers from there
 * costs a generator as much as the API. Each number of processes has its turn before any has its second, so that what the machine does meanwhile happens to all.
 * @throws {Failure} UNAVAILABLE; the signal's reason
 */
export async function measureScaling(parts: ScalingParts): Promise<Scaling> {
  const perS = new Map<number, number[]>(SCALING_PROCESSES.map(processes => [processes, []]))
  const faults = new Set<string>()
  for (let turn = 1; turn <= REPEATS; turn++) {
    parts.note(`${SCALING_PROCESSES.join(', ')} processes, turn ${turn} of ${REPEATS}`)
    for (const processes of SCALING_PROCESSES) {
      const measured = await measureProcesses(parts, processes)
      perS.get(processes)?.push(measured.perS)
      for (const fault of measured.faults) faults.add(`${fault}, with ${processes} processes`)
    }
  }
  return scalingOf(
    [...perS].map(([processes, repeats]) => ({ processes, perS: repeats })),
    [...faults],
  )
}

/** The model of points, if they have one. */
export function scalingOf(points: readonly ScalabilityPoint[], faults: readonly string[]): Scaling {
  const model = fitScalability(points)
  const tooFew = model === null ? [`no model of fewer than ${LEAST_POINTS} numbers of processes that answered`] : []
  return { points, model, faults: [...faults, ...tooFew] }
}

/** Null where no number of processes is known beyond which more do less. */
export function scalingRow(phase: Phase | null, { model, faults }: Scaling): Row {
  return judge(phase, 'scaling_knee_processes', [{ value: model?.knee ?? null, faults }])
}

async function measureProcesses({ place, asked, generator, stepMs, signal }: ScalingParts, processes: number) {
  await using service = await Service.start(withoutCache(place), processes, signal)
  const order = { target: service.target, connections: BUSY_CONNECTIONS, asked, sequence: null, most: null }
  const load = (durationMs: number) => generator.run<LoopResult>('closedLoop', { ...order, durationMs } satisfies ClosedLoopOrder)
  await load(Math.min(WARM_UP_MS, stepMs))
  const { result, strain } = await load(stepMs)
  return { perS: (result.answers * 1000) / result.wallMs, faults: [...faultsOf(result), ...saturation(strain)] }
}
