import type { ClosedLoopOrder, LoopResult } from '../api/closed-loop.js'
import { type Done, LoadProcess, saturation } from '../api/load-process.js'
import { faultsOf } from '../api/loop-faults.js'
import type { Caller } from '../api/population.js'
import { Service } from '../api/service.js'
import { STATEMENTS, withoutCache } from '../api/uncached.js'
import type { ChildPlace } from '../sync/child.js'
import type { GuideLoad } from './load.js'
import { type Mix, readersMix } from './mix.js'

const CONNECTIONS = 10
/** Far more than it takes. */
const DEADLINE_MS = 300_000
/** Part of the mix that is asked before anything is counted, after everything was asked once. */
const WARM_UP = 0.1

/** What the mix cost. */
export interface MixCost {
  /** Null where the API does not count them. */
  readonly statementsPer1000: number | null
  readonly p50Ms: number | null
  readonly meanMs: number | null
  readonly perS: number
}

export interface CachingRound {
  readonly cached: MixCost
  readonly uncached: MixCost
  readonly faults: readonly string[]
}

/** Lets readers ask the same mix of an API with its cache, and of one without. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureCaching(
  place: ChildPlace,
  callers: readonly Caller[],
  load: GuideLoad,
  signal: AbortSignal,
): Promise<CachingRound> {
  await using generator = LoadProcess.start(signal)
  const faults = new Set<string>()
  const measure = async (name: string, served: ChildPlace): Promise<MixCost> => {
    await using service = await Service.start(served, 1, signal)
    const mix = await readersMix(service.target, callers, load, name)
    const warmUp = Math.ceil(load.requests * WARM_UP)
    const everything = Array.from({ length: mix.reads }, (_, n) => n)
    await ask(generator, service, { ...mix, sequence: [...everything, ...mix.sequence.slice(0, warmUp)] })
    const before = await service.metric(STATEMENTS)
    const done = await ask(generator, service, { ...mix, sequence: mix.sequence.slice(warmUp) })
    const after = await service.metric(STATEMENTS)
    for (const fault of [...faultsOf(done.result), ...saturation(done.strain)]) faults.add(fault)
    const { answers, wallMs, latency } = done.result
    return {
      statementsPer1000: before === null || after === null ? null : ((after - before) * 1000) / answers,
      p50Ms: latency.p50Ms,
      meanMs: latency.meanMs,
      perS: (answers * 1000) / wallMs,
    }
  }
  const cached = await measure('cached', place)
  const uncached = await measure('uncached', withoutCache(place))
  return { cached, uncached, faults: [...faults] }
}

function ask(generator: LoadProcess, { target }: Service, { asked, sequence }: Mix): Promise<Done<LoopResult>> {
  const order: ClosedLoopOrder = {
    target,
    connections: CONNECTIONS,
    durationMs: DEADLINE_MS,
    most: sequence.length,
    asked,
    sequence,
  }
  return generator.run<LoopResult>('closedLoop', order)
}
