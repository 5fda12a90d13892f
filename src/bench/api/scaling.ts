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
const TURNS = 3
const WARM_UP_MS = 1_000

export interface ScalingParts {
  /** Where the API runs, and what it finds there. */
  readonly place: ChildPlace
  readonly asked: readonly Asked[]
  readonly generator: LoadProcess
  /** How long each number of processes is asked in each turn. */
  readonly stepMs: number
  /** Default: those of `SCALING_PROCESSES`, three turns. */
  readonly processes?: readonly number[]
  readonly turns?: number
  readonly note: (line: string) => void
  readonly signal: AbortSignal
}

export interface Scaling {
  readonly points: readonly ScalabilityPoint[]
  /** Null where there are too few points that count. */
  readonly model: ScalabilityModel | null
  /** Why there is no model, or what is wrong with it; empty where that is nothing. */
  readonly faults: readonly string[]
}

/**
 * Asks the API over the same number of connections, served by more and more processes of one `feedctl serve --workers`, without its cache: what it answers from there
 * costs a generator as much as the API. Each number of processes has its turn before any has its second, so that what the machine does meanwhile happens to all.
 * @throws {Failure} UNAVAILABLE; the signal's reason
 */
export async function measureScaling(parts: ScalingParts): Promise<Scaling> {
  const { processes: counts = SCALING_PROCESSES, turns = TURNS } = parts
  const looks = new Map<number, ScalingLook[]>(counts.map(processes => [processes, []]))
  for (let turn = 1; turn <= turns; turn++) {
    parts.note(`${counts.join(', ')} processes, turn ${turn} of ${turns}`)
    for (const processes of counts) {
      looks.get(processes)?.push(await measureProcesses(parts, processes))
    }
  }
  const { points, left } = pointsThatCount(looks)
  return scalingOf(points, left)
}

/** What came of a number of processes in one turn. */
export interface ScalingLook {
  readonly perS: number
  /** Why it does not count; empty when it does. */
  readonly faults: readonly string[]
}

/** Turns that count, of the numbers of processes of which more than half do; `left`: why the others are left out. */
export function pointsThatCount(looks: ReadonlyMap<number, readonly ScalingLook[]>): {
  points: ScalabilityPoint[]
  left: string[]
} {
  const points: ScalabilityPoint[] = []
  const left: string[] = []
  for (const [processes, all] of looks) {
    const perS = all.filter(({ faults }) => faults.length === 0).map(one => one.perS)
    if (perS.length * 2 > all.length) points.push({ processes, perS })
    else left.push(...new Set(all.flatMap(({ faults }) => faults.map(fault => `${fault}, with ${processes} processes`))))
  }
  return { points, left }
}

/** The model of points, if they have one. @param left why some are not among them */
export function scalingOf(points: readonly ScalabilityPoint[], left: readonly string[]): Scaling {
  const model = fitScalability(points)
  const tooFew = [...left, `no model of fewer than ${LEAST_POINTS} numbers of processes that answered`]
  return { points, model, faults: model === null ? tooFew : [] }
}

/** Null where no number of processes is known beyond which more do less. */
export function scalingRow(phase: Phase | null, { model, faults }: Scaling): Row {
  return judge(phase, 'scaling_knee_processes', [{ value: model?.knee ?? null, faults }])
}

async function measureProcesses(
  { place, asked, generator, stepMs, signal }: ScalingParts,
  processes: number,
): Promise<ScalingLook> {
  await using service = await Service.start(withoutCache(place), processes, signal)
  const order = { target: service.target, connections: BUSY_CONNECTIONS, asked, sequence: null, most: null }
  const load = (durationMs: number) => generator.run<LoopResult>('closedLoop', { ...order, durationMs } satisfies ClosedLoopOrder)
  await load(Math.min(WARM_UP_MS, stepMs))
  const { result, strain } = await load(stepMs)
  return { perS: (result.answers * 1000) / result.wallMs, faults: [...faultsOf(result), ...saturation(strain)] }
}
