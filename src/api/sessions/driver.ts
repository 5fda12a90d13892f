/** Who a session is of. There is one operator; sessions of several would not meet. */
export type Operator = 'ops'

/** What is kept of a session. Times are epoch ms, by the clock of where it is kept. */
export interface Session {
  readonly beganAt: number
  readonly endsAt: number
  /** Which password it was begun with: the session ends when another one is set. */
  readonly password: string
}

/** How often something may be tried in vain. */
export interface TrialTerms {
  /** Failures before the first wait; 1 or more. */
  readonly free: number
  /** After the last of these, and twice as long after each failure from then on, up to `longestWaitMs`. */
  readonly firstWaitMs: number
  readonly longestWaitMs: number
  /** All is forgotten so long after the newest trial. */
  readonly forgetMs: number
}

/** Somebody who tries, and on what terms. */
export interface Trial {
  readonly key: string
  readonly terms: TrialTerms
}

/**
 * Keeps sessions and counts trials, as far as the driver reaches: in this process (memory), or in every process and beyond a restart of them (redis). Sessions are
 * known by a hash of their id only: who reads what is kept cannot use it.
 */
export interface SessionDriver {
  readonly name: 'memory' | 'redis'
  /** Begins a session that lasts so long, whatever is done in it. @throws {Failure} UNAVAILABLE, beginning none */
  begin(operator: Operator, idHash: string, password: string, lastsMs: number): Promise<void>
  /** Null when there is none, or it has ended, in whatever way. @throws {Failure} UNAVAILABLE */
  find(operator: Operator, idHash: string): Promise<Session | null>
  /** Calm when there is none. @throws {Failure} UNAVAILABLE */
  end(operator: Operator, idHash: string): Promise<void>
  /** Ends all sessions of the operator, wherever they were begun. @throws {Failure} UNAVAILABLE: they go on */
  endAll(operator: Operator): Promise<void>
  /**
   * Counts one trial for each of these, as if it had failed, or none when one of them has to wait; at once, however many try at the same time. Answers how long
   * to wait, ms; 0 when it may be tried now. @throws {Failure} UNAVAILABLE, counting none
   */
  try(trials: readonly Trial[]): Promise<number>
  /** The trial that was counted last did not fail: `all` of the key's are forgotten, or this `one`. Calm when nothing was counted. @throws {Failure} UNAVAILABLE */
  forgive(key: string, which: 'all' | 'one'): Promise<void>
  close(): Promise<void>
}

/** How long after its newest failure a key has to wait, ms. */
export function waitAfter(failures: number, { free, firstWaitMs, longestWaitMs }: TrialTerms): number {
  return failures < free ? 0 : Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - free))
}
