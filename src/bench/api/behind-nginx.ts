import { SETTINGS } from '../../kernel/settings.js'
import type { ChildPlace } from '../sync/child.js'
import type { ClosedLoopOrder, LoopResult } from './closed-loop.js'
import type { Asked } from './expectations.js'
import { BUSY_CONNECTIONS } from './load.js'
import { type Done, type LoadProcess, saturation } from './load-process.js'
import { faultsOf } from './loop-faults.js'
import { Nginx } from './nginx.js'
import { Service } from './service.js'
import { STATEMENTS, withoutCache } from './uncached.js'

/** So that what else happens on the machine happens to both. */
const TURNS = ['one', 'several', 'several', 'one'] as const
const WARM_UP_MS = 1_000

export interface NginxRound {
  /** Requests per second of one process, and of three. */
  readonly onePerS: number
  readonly severalPerS: number
  readonly faults: readonly string[]
}

/** Asks one process that keeps no answers through nginx, and three, in turns. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureBehindNginx(
  place: ChildPlace,
  asked: readonly Asked[],
  generator: LoadProcess,
  durationMs: number,
  signal: AbortSignal,
): Promise<NginxRound> {
  const { folder, env } = withoutCache(place)
  const served = { folder, env: { ...env, [SETTINGS.trustedProxies.env]: '127.0.0.1' } }
  await using first = await Service.start(served, 1, signal)
  await using second = await Service.start(served, 1, signal)
  await using third = await Service.start(served, 1, signal)
  const services = [first, second, third]
  const ports = services.map(({ target }) => target.port)
  await using one = await Nginx.start(place, ports.slice(0, 1), signal)
  await using several = await Nginx.start(place, ports, signal)
  const targets = { one: one.target, several: several.target }
  const load = (who: keyof typeof targets, ms: number) => {
    const target = targets[who]
    const order: ClosedLoopOrder = { target, connections: BUSY_CONNECTIONS, durationMs: ms, most: null, asked, sequence: null }
    return generator.run<LoopResult>('closedLoop', order)
  }
  const before = await Promise.all(services.map(service => service.metric(STATEMENTS)))
  await load('several', Math.min(WARM_UP_MS, durationMs))
  const after = await Promise.all(services.map(service => service.metric(STATEMENTS)))
  const isIdle = after.some((statements, n) => statements === before[n])
  const turns = { one: [] as Done<LoopResult>[], several: [] as Done<LoopResult>[] }
  for (const who of TURNS) turns[who].push(await load(who, durationMs / TURNS.length))
  const all = [...turns.one, ...turns.several]
  return {
    onePerS: perS(turns.one),
    severalPerS: perS(turns.several),
    faults: [
      ...new Set(all.flatMap(({ result, strain }) => [...faultsOf(result), ...saturation(strain)])),
      ...(isIdle ? ['a process behind nginx is never asked'] : []),
    ],
  }
}

function perS(turns: readonly Done<LoopResult>[]): number {
  const sum = (figure: 'answers' | 'wallMs') => turns.reduce((total, { result }) => total + result[figure], 0)
  return (sum('answers') * 1000) / sum('wallMs')
}
