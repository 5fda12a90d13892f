import { cpuBetween, type Usage, usageOf } from '../sync/usage.js'
import type { ClosedLoopOrder, LoopResult } from './closed-loop.js'
import type { Target } from './connection.js'
import type { Asked } from './expectations.js'
import { BUSY_CONNECTIONS } from './load.js'
import { type LoadProcess, type Strain, saturation } from './load-process.js'
import { faultsOf } from './loop-faults.js'

/** Turns of the two servers, so that what else happens on the machine happens to both. */
const TURNS = ['feedctl', 'bare', 'bare', 'feedctl', 'feedctl', 'bare', 'bare', 'feedctl'] as const
const WARM_UP_MS = 1_500
/** Of a core, below which a server that is always asked was kept from answering. */
const LEAST_SHARE = 0.75

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
  /** Part of a core that the server had, 1 being all of one; null where it cannot be known. */
  readonly share: number | null
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
  generator: LoadProcess,
  durationMs: number,
): Promise<CachedRound> {
  for (const contender of Object.values(contenders)) await load(contender, generator, Math.min(WARM_UP_MS, durationMs))
  const turns = { feedctl: [] as Turn[], bare: [] as Turn[] }
  for (const who of TURNS) turns[who].push(await load(contenders[who], generator, durationMs / TURNS.length))
  const all = [...turns.feedctl, ...turns.bare]
  const [feedctl, bare] = [throughputOf(turns.feedctl), throughputOf(turns.bare)]
  return {
    feedctl,
    bare,
    generatorShare: Math.max(...all.map(({ strain }) => Math.max(strain.cpuShare, strain.loopShare))),
    faults: [
      ...new Set(all.flatMap(({ result, strain }) => [...faultsOf(result), ...saturation(strain)])),
      ...crowding('feedctl', feedctl),
      ...crowding('the bare server', bare),
    ],
  }
}

export function ofProcess(pid: number, target: Target, asked: readonly Asked[]): Contender {
  return { target, asked, usages: () => [usageOf(pid)] }
}

async function load({ target, asked, usages }: Contender, generator: LoadProcess, durationMs: number): Promise<Turn> {
  const order: ClosedLoopOrder = { target, connections: BUSY_CONNECTIONS, durationMs, most: null, asked, sequence: null }
  const before = usages()
  const { result, strain } = await generator.run<LoopResult>('closedLoop', order)
  return { result, strain, cpuS: cpuBetween(before, usages()) }
}

/** A server that is asked without a pause, and does not get a core for it, is not what limits it. */
function crowding(who: string, { share }: Throughput): string[] {
  if (share === null || share >= LEAST_SHARE) return []
  return [`${who} had ${Math.round(share * 100)} % of a core: something else kept the machine busy`]
}

function throughputOf(turns: readonly Turn[]): Throughput {
  const sum = (figure: (turn: Turn) => number) => turns.reduce((total, turn) => total + figure(turn), 0)
  const answers = sum(({ result }) => result.answers)
  const wallMs = sum(({ result }) => result.wallMs)
  const cpuS = turns.some(turn => turn.cpuS === null) ? null : sum(turn => turn.cpuS ?? 0)
  const mean = (figure: (turn: Turn) => number | null) => sum(turn => figure(turn) ?? 0) / turns.length
  return {
    perS: (answers * 1000) / wallMs,
    cpuUs: cpuS === null ? null : (cpuS * 1e6) / answers,
    share: cpuS === null ? null : (cpuS * 1000) / wallMs,
    p50Ms: mean(({ result }) => result.latency.p50Ms),
    p99Ms: mean(({ result }) => result.latency.p99Ms),
  }
}
