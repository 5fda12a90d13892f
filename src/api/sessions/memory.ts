import type { Clock } from '../../kernel/clock.js'
import { type Operator, type Session, type SessionDriver, type Trial, type TrialTerms, waitAfter } from './driver.js'

/** Keys that nobody waits for are looked for whenever so many are known. */
const SWEEP_AT = 1_000

interface Failures {
  readonly count: number
  readonly newestAt: number
  readonly terms: TrialTerms
}

/** The sessions of this process, which end with it. */
export class MemorySessions implements SessionDriver {
  readonly name = 'memory'
  private readonly sessions = new Map<Operator, Map<string, Session>>()
  private readonly failures = new Map<string, Failures>()

  constructor(private readonly now: Clock = Date.now) {}

  async begin(operator: Operator, idHash: string, password: string, lastsMs: number): Promise<void> {
    const now = this.now()
    const sessions = this.sessions.get(operator) ?? new Map<string, Session>()
    this.sessions.set(operator, sessions)
    for (const [known, { endsAt }] of sessions) if (endsAt <= now) sessions.delete(known)
    sessions.set(idHash, { beganAt: now, endsAt: now + lastsMs, password })
  }

  async find(operator: Operator, idHash: string): Promise<Session | null> {
    const session = this.sessions.get(operator)?.get(idHash)
    return session !== undefined && session.endsAt > this.now() ? session : null
  }

  async end(operator: Operator, idHash: string): Promise<void> {
    this.sessions.get(operator)?.delete(idHash)
  }

  async endAll(operator: Operator): Promise<void> {
    this.sessions.delete(operator)
  }

  async try(trials: readonly Trial[]): Promise<number> {
    const now = this.now()
    const waitMs = Math.max(0, ...trials.map(({ key }) => this.waitOf(key, now)))
    if (waitMs > 0) return waitMs
    if (this.failures.size >= SWEEP_AT) this.sweep(now)
    for (const { key, terms } of trials) {
      this.failures.set(key, { count: (this.known(key, now)?.count ?? 0) + 1, newestAt: now, terms })
    }
    return 0
  }

  async forgive(key: string, which: 'all' | 'one'): Promise<void> {
    const failures = this.failures.get(key)
    if (failures === undefined) return
    if (which === 'all' || failures.count <= 1) this.failures.delete(key)
    else this.failures.set(key, { ...failures, count: failures.count - 1 })
  }

  async close(): Promise<void> {}

  private waitOf(key: string, now: number): number {
    const failures = this.known(key, now)
    return failures === null ? 0 : failures.newestAt + waitAfter(failures.count, failures.terms) - now
  }

  private known(key: string, now: number): Failures | null {
    const failures = this.failures.get(key)
    return failures !== undefined && now < failures.newestAt + failures.terms.forgetMs ? failures : null
  }

  private sweep(now: number): void {
    for (const key of this.failures.keys()) if (this.known(key, now) === null) this.failures.delete(key)
  }
}
