import type { Clock } from '../kernel/clock.js'
import type { GateAnswer, Gates, GateTerms } from './driver.js'

/** Gates that nobody has used are looked for each time this many were made. */
const SWEEP_EVERY = 1_000

interface Gate {
  /** Token to the end of its lease. */
  readonly places: Map<string, number>
  /** When entrances at an even pace would have come to: the generic cell rate algorithm's theoretical arrival time. */
  pacedUntil: number
  note: string | null
  noteUntil: number
}

/** The gates of this process alone. */
export class MemoryGates implements Gates {
  readonly name = 'memory'
  private readonly gates = new Map<string, Gate>()
  private made = 0

  constructor(private readonly now: Clock = Date.now) {}

  /** Gates that are remembered. */
  get size(): number {
    return this.gates.size
  }

  async enter(key: string, terms: GateTerms): Promise<GateAnswer> {
    const now = this.now()
    const gate = this.gateOf(key, now)
    const note = gate.noteUntil > now ? gate.note : null
    for (const [token, until] of gate.places) if (until <= now) gate.places.delete(token)
    if (gate.places.has(terms.token)) return { entered: true, note }
    if (gate.places.size >= terms.places) {
      return { entered: false, full: true, retryInMs: Math.min(...gate.places.values()) - now, note }
    }
    const intervalMs = 1000 / terms.perSecond
    const paced = Math.max(gate.pacedUntil, now)
    const waitMs = paced - (terms.burst - 1) * intervalMs - now
    if (waitMs > 0) return { entered: false, full: false, retryInMs: Math.ceil(waitMs), note }
    gate.pacedUntil = paced + intervalMs
    gate.places.set(terms.token, now + terms.leaseMs)
    return { entered: true, note }
  }

  async leave(key: string, token: string): Promise<void> {
    this.gates.get(key)?.places.delete(token)
  }

  async note(key: string, note: string, ttlS: number): Promise<void> {
    const now = this.now()
    const gate = this.gateOf(key, now)
    gate.note = note
    gate.noteUntil = now + ttlS * 1000
  }

  private gateOf(key: string, now: number): Gate {
    const known = this.gates.get(key)
    if (known !== undefined) return known
    this.made++
    if (this.made % SWEEP_EVERY === 0) this.sweep(now)
    const gate = { places: new Map<string, number>(), pacedUntil: 0, note: null, noteUntil: 0 }
    this.gates.set(key, gate)
    return gate
  }

  private sweep(now: number): void {
    for (const [key, gate] of this.gates) {
      const inUse = [...gate.places.values()].some(until => until > now)
      if (!inUse && gate.pacedUntil <= now && gate.noteUntil <= now) this.gates.delete(key)
    }
  }
}
