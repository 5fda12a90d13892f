import { Failure } from '../../kernel/errors.js'
import { greatest } from '../sync/usage.js'
import type { Target } from './connection.js'
import type { Asked } from './expectations.js'
import type { HeldRound, HoldOrder } from './held-connections.js'
import { LoadProcess } from './load-process.js'
import { faultsOf } from './loop-faults.js'
import { FREE_PORTS_PART, RESERVED_FILES, type SystemLimits, systemLimits } from './preflight.js'

/** Connections of one process here. */
const PER_CLIENT = 9_000
const AT_ONCE = 50

export interface HeldFigures {
  readonly open: number
  /** Answers of the connection that had the fewest. */
  readonly fewestAnswers: number
  /** Connections that were reset or closed. */
  readonly lost: number
  /** Memory of the API's processes for each connection; null where it cannot be known. */
  readonly bytesPerConnection: number | null
  /** The slowest process's. */
  readonly p99Ms: number | null
  readonly perS: number
  readonly faults: readonly string[]
}

/** What is asked, and how its memory is looked at. */
export interface Holder {
  readonly target: Target
  residentBytes(): number | null
}

/** How a number of connections is spread over processes, and over addresses of this machine that have ports for them. */
export interface Spread {
  readonly clients: number
  /** Per client; 127.0.0.1 is not among them: others use it. */
  readonly addresses: readonly (readonly string[])[]
}

/** @throws {Failure} CONFIG_INVALID which says what is to be raised, when the system has not so many files or ports */
export function spreadOf(connections: number, workers: number, limits: SystemLimits = systemLimits()): Spread {
  const { files, ports } = limits
  const most = (files ?? Number.POSITIVE_INFINITY) - RESERVED_FILES
  const ofWorker = Math.ceil(connections / workers)
  if (ofWorker > most) {
    throw new Failure(
      'CONFIG_INVALID',
      `each of ${workers} processes would hold ${ofWorker} connections, and may open ${files} files`,
      {
        hint: `--workers ${most > 0 ? Math.ceil(connections / most) : 2}, or raise the limit: ulimit -n ${ofWorker + RESERVED_FILES}`,
      },
    )
  }
  const perClient = Math.min(PER_CLIENT, most)
  if (perClient < 1) throw new Failure('CONFIG_INVALID', `a process may open ${files} files`, { hint: 'ulimit -n 20000' })
  const clients = Math.ceil(connections / perClient)
  const each = Math.ceil(Math.ceil(connections / clients) / ((ports ?? 28_000) * FREE_PORTS_PART))
  if (clients * each > 250) {
    throw new Failure('CONFIG_INVALID', `an address has ${ports} ports for connections: too few for ${connections}`, {
      hint: 'sysctl net.ipv4.ip_local_port_range="10000 65000"',
    })
  }
  const addresses = Array.from({ length: clients }, (_, client) =>
    Array.from({ length: each }, (__, n) => `127.0.0.${2 + client * each + n}`),
  )
  return { clients, addresses }
}

/** Opens so many connections, each of which asks at once, and then lets each ask in its turn, while all stay open. @throws {Failure} UNAVAILABLE; the signal's reason */
export async function measureHeld(
  service: Holder,
  { connections, workers }: { readonly connections: number; readonly workers: number },
  asked: readonly Asked[],
  signal: AbortSignal,
): Promise<HeldFigures> {
  const { clients, addresses } = spreadOf(connections, workers)
  const holders = Array.from({ length: clients }, () => LoadProcess.start(signal))
  try {
    const before = service.residentBytes()
    const opened = await Promise.all(
      holders.map((holder, n) => {
        const share = Math.floor(connections / clients) + (n < connections % clients ? 1 : 0)
        const order: HoldOrder = { target: service.target, connections: share, from: addresses[n] ?? [], asked }
        return holder.run<HeldRound>('holdConnections', order)
      }),
    )
    const last: HeldRound[] = []
    for (const holder of holders) last.push((await holder.run<HeldRound>('askHeld', { atOnce: AT_ONCE })).result)
    const after = service.residentBytes()
    return {
      open: last.reduce((sum, round) => sum + round.open, 0),
      fewestAnswers: Math.min(...last.map(({ fewestAnswers }) => fewestAnswers)),
      lost: last.reduce((sum, round) => sum + round.lost, 0),
      bytesPerConnection: before === null || after === null ? null : (after - before) / connections,
      p99Ms: greatest(last.map(({ latency }) => latency.p99Ms)),
      perS: last.reduce((sum, round) => sum + round.answers, 0) / (last.reduce((sum, round) => sum + round.wallMs, 0) / 1000),
      faults: [...new Set([...opened.map(({ result }) => result), ...last].flatMap(faultsOf))],
    }
  } finally {
    await Promise.all(holders.map(holder => holder[Symbol.asyncDispose]()))
  }
}
