import { randomUUID } from 'node:crypto'
import type { Gates } from '../../caches/driver.js'
import type { Clock } from '../../kernel/clock.js'
import { isFailure } from '../../kernel/errors.js'
import {
  afterEvent,
  type HostEvent,
  type HostState,
  limitsOf,
  merged,
  quietMs,
  readNote,
  STATE_TTL_S,
  UNTAUGHT,
  writeNote,
} from './host-state.js'

/** How often a place that another process may leave at any moment is asked for, ms. */
const POLL_MS = 50
/** Hosts whose lessons are remembered here; the oldest lesson goes first. */
const MAX_TAUGHT = 20_000

export interface HostBudgetOptions {
  readonly perHost: number
  /** Requests per second to a host, as its gate is named. */
  readonly rateOf: (host: string) => number
}

/**
 * - `entered`: one request may be sent now; `leave` when it is over.
 * - `early`: not yet; asking again makes sense after `retryInMs`, and when it is `full` also when a request of this process to the host is over.
 * - `quiet`: the host asked for quiet, and nothing is to be sent for that long.
 */
export type Entrance =
  | { readonly kind: 'entered'; readonly leave: () => void }
  | { readonly kind: 'early'; readonly full: boolean; readonly retryInMs: number }
  | { readonly kind: 'quiet'; readonly quietMs: number }

interface Taught {
  /** As it was last read or written, so that only a new one is read. */
  readonly note: string
  readonly state: HostState
}

/** What may be asked of each host, by all processes that share the gates together, and what hosts taught about it. */
export class HostBudget {
  private readonly taught = new Map<string, Taught>()
  private readonly holder = randomUUID()
  private entrances = 0

  /** Without gates there is no rate, and places are not counted: the caller's own bounds are all. Quiet is kept. */
  constructor(
    private readonly options: HostBudgetOptions,
    private readonly gates: Gates | null,
    private readonly now: Clock = Date.now,
  ) {}

  /** As far as this process knows, ms; 0 for none. */
  quietMs(host: string): number {
    const known = this.taught.get(host)
    return known === undefined ? 0 : quietMs(known.state, this.now())
  }

  /**
   * Asks the gates, once. `leaseMs`: longest time the request may take: when its place is free at the latest. When the gates are away and have no
   * substitute, everybody enters: publishers are read all the same.
   */
  async enter(host: string, leaseMs: number): Promise<Entrance> {
    if (this.gates === null) return { kind: 'entered', leave: () => {} }
    const { gates } = this
    const token = `${this.holder}:${this.entrances++}`
    const { perHost, rateOf } = this.options
    const terms = { ...limitsOf(this.stateOf(host), { perHost, hostRate: rateOf(host) }), leaseMs, token }
    const leave = () => void gates.leave(host, token).catch(ignoreAway)
    try {
      const answer = await gates.enter(host, terms)
      if (answer.note !== null) this.adopt(host, answer.note)
      const quiet = this.quietMs(host)
      if (quiet > 0) {
        if (answer.entered) leave()
        return { kind: 'quiet', quietMs: quiet }
      }
      if (answer.entered) return { kind: 'entered', leave }
      // Spread, so that the processes that wait for one place do not ask in step.
      const pollMs = POLL_MS * (0.5 + Math.random())
      const { full } = answer
      return { kind: 'early', full, retryInMs: full ? Math.min(answer.retryInMs, pollMs) : answer.retryInMs }
    } catch (error) {
      ignoreAway(error)
      return { kind: 'entered', leave: () => {} }
    }
  }

  /** What an answer taught is told to the other processes, without waiting for it. */
  learn(host: string, event: HostEvent): void {
    if (event.kind === 'answered' && !this.taught.has(host)) return
    const state = this.stateOf(host)
    const after = afterEvent(state, event, this.now())
    if (after === state) return
    const note = writeNote(after)
    this.keep(host, { note, state: after })
    void this.gates?.note(host, note, STATE_TTL_S).catch(ignoreAway)
  }

  private stateOf(host: string): HostState {
    return this.taught.get(host)?.state ?? UNTAUGHT
  }

  private adopt(host: string, note: string): void {
    const known = this.taught.get(host)
    if (known?.note === note) return
    const theirs = readNote(note)
    if (theirs !== null) this.keep(host, { note, state: known === undefined ? theirs : merged(known.state, theirs) })
  }

  private keep(host: string, taught: Taught): void {
    this.taught.delete(host)
    const { state } = taught
    if (state.share >= 1 && quietMs(state, this.now()) === 0) return
    this.taught.set(host, taught)
    const [oldest] = this.taught.keys()
    if (this.taught.size > MAX_TAUGHT && oldest !== undefined) this.taught.delete(oldest)
  }
}

function ignoreAway(error: unknown): void {
  if (!isFailure(error, 'UNAVAILABLE')) throw error
}
