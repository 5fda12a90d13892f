import { cpuBetween, type Usage, usageOf } from '../sync/usage.js'
import type { ClosedLoopOrder, LoopResult } from './closed-loop.js'
import type { Target } from './connection.js'
import type { Asked } from './expectations.js'
import { type Helper, type Strain, saturation } from './helper.js'
import { BUSY_CONNECTIONS } from './load.js'
import { faultsOf } from './loop-faults.js'

/** Turns of the two servers, so that what else happens on the machine happens to both. */
const TURNS = ['feedctl', 'bare', 'bare', 'feedctl', 'feedctl', 'bare', 'bare', 'feedctl'] as const
const WARM_UP_MS = 1_500

/** One of the two that are compared. */
export interface Contender {
  readonly target: Target
  readonly asked: readonly Asked[]
  usages(): Usage[]
}

export interface Throughput {
  readonly perS: number
  /** Processor time of the server for each request, microseconds; null where it cannot be known. */
  readonly cpuUs: number | null
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

export interface CachedRound {
  readonly feedctl: Throughput
  readonly bare: Throughput
  /** How busy the generator was in its busiest turn, 1 being all of a core. */
  readonly generatorShare: number
  readonly faults: readonly string[]
}

interface Turn {
  readonly result: LoopResult
  readonly strain: Strain
  readonly cpuS: number | null
}

/** Asks both for the same bytes as fast as they answer, in turns. @throws {Failure} UNAVAILABLE */
export async function measureCached(
  contenders: { readonly feedctl: Contender; readonly bare: Contender },
  generator: Helper,
  durationMs: number,
): Promise<CachedRound> {
  for (const contender of Object.values(contenders)) await load(contender, generator, Math.min(WARM_UP_MS, durationMs))
  const turns = { feedctl: [] as Turn[], bare: [] as Turn[] }
  for (const who of TURNS) turns[who].push(await load(contenders[who], generator, durationMs / TURNS.length))
  const all = [...turns.feedctl, ...turns.bare]
  return {
    feedctl: throughputOf(turns.feedctl),
    bare: throughputOf(turns.bare),
    generatorShare: Math.max(...all.map(({ strain }) => Math.max(strain.cpuShare, strain.loopShare))),
    faults: [...new Set(all.flatMap(({ result, strain }) => [...faultsOf(result), ...saturation(strain)]))],
  }
}

export function ofProcess(pid: number, target: Target, asked: readonly Asked[]): Contender {
  return { target, asked, usages: () => [usageOf(pid)] }
}

async function load({ target, asked, usages }: Contender, generator: Helper, durationMs: number): Promise<Turn> {
  const order: ClosedLoopOrder = { target, connections: BUSY_CONNECTIONS, durationMs, asked, sequence: null }
  const before = usages()
  const { result, strain } = await generator.run<LoopResult>('closedLoop', order)
  return { result, strain, cpuS: cpuBetween(before, usages()) }
}

function throughputOf(turns: readonly Turn[]): Throughput {
  const sum = (figure: (turn: Turn) => number) => turns.reduce((total, turn) => total + figure(turn), 0)
  const answers = sum(({ result }) => result.answers)
  const mean = (figure: (turn: Turn) => number | null) => sum(turn => figure(turn) ?? 0) / turns.length
  return {
    perS: (answers * 1000) / sum(({ result }) => result.wallMs),
    cpuUs: turns.some(({ cpuS }) => cpuS === null) ? null : (sum(({ cpuS }) => cpuS ?? 0) * 1e6) / answers,
    p50Ms: mean(({ result }) => result.latency.p50Ms),
    p99Ms: mean(({ result }) => result.latency.p99Ms),
  }
}
