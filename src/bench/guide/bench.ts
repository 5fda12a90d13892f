import { choosePlace } from '../api/bench.js'
import type { BenchResult } from '../result.js'
import { describeMachine } from '../sync/machine.js'
import { estimateS } from './estimate.js'
import { API_PROCESSES, type GuideLoad, HOLDING_PROCESSES, SLOW } from './load.js'
import type { GuideParts } from './parts.js'
import { measureProcesses } from './requests.js'
import { claimed, type GuideRound, runRound } from './round.js'
import { rowsOf, scalingRows } from './rows.js'

export interface GuideBenchResult extends BenchResult {
  readonly scenario: 'guide'
  readonly settings: GuideLoad & Deployment
}

/** What the claims were measured of, beside the drivers. */
interface Deployment {
  readonly apiProcesses: number
  /** Of the API, where users are held. */
  readonly holdingProcesses: number
  /** That sync tenants; null where the process of `sync` does. */
  readonly syncWorkers: number | null
}

/**
 * Measures what the guide claims, on the configured drivers.
 * @throws {Failure} UNAVAILABLE, DATABASE_TAKEN when nothing could be made at all; the signal's reason
 */
export async function benchGuide(parts: GuideParts): Promise<GuideBenchResult> {
  const { operator, load, watcher, signal } = parts
  await refuseUnreachable(parts)
  watcher.note(`${load.claims.length} claims of the guide: about ${Math.ceil(estimateS(load) / 60)} min`)
  const rounds: GuideRound[] = []
  while (rounds.length < load.repeat) {
    if (load.repeat > 1) watcher.note(`round ${rounds.length + 1} of ${load.repeat}`)
    rounds.push(await runRound(parts))
    signal.throwIfAborted()
  }
  const scaling = await claimed(parts, 'scaling', () => measureProcesses(parts))
  const syncWorkers = operator.queueConnection === 'redis' ? SLOW.workers : null
  return {
    ...{ scenario: 'guide', machine: describeMachine(operator) },
    settings: { ...load, apiProcesses: API_PROCESSES, holdingProcesses: HOLDING_PROCESSES, syncWorkers },
    rows: [...rowsOf(load, rounds), ...scalingRows(scaling)],
    model: scaling?.part?.model ?? null,
    ...chartsOf(rounds),
  }
}

/** What the searches of all rounds came to is drawn of the last. */
function chartsOf(rounds: readonly GuideRound[]): Pick<BenchResult, 'charts'> {
  const search = rounds.at(-1)?.requests?.part ?? null
  if (search === null) return {}
  const { latency, throughput, steps } = search
  return {
    charts: {
      latency: latency === null ? [] : [latency],
      throughput: throughput === null ? [] : [throughput],
      rates: steps,
    },
  }
}

/** Servers that are away are no finding about the guide. */
async function refuseUnreachable(parts: GuideParts): Promise<void> {
  await using place = await choosePlace(parts)
  await place.prepare()
}
