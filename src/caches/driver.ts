/**
 * Bytes kept for a while under a key, shared as far as the driver reaches: this process (memory) or every process (redis).
 * A cache may forget anything at any time; what cannot be had again does not belong here.
 */
export interface Cache {
  readonly name: 'memory' | 'redis' | 'layered'
  /** Null when there is nothing under the key, or no longer. @throws {Failure} UNAVAILABLE */
  get(key: string): Promise<Uint8Array | null>
  /** Replaces what was there. The bytes must not be changed afterwards. @throws {Failure} UNAVAILABLE, keeping nothing */
  put(key: string, bytes: Uint8Array, ttlS: number): Promise<void>
  /** Calm when there is nothing. @throws {Failure} UNAVAILABLE */
  delete(key: string): Promise<void>
  close(): Promise<void>
}

/** On what terms somebody wants to enter a gate. Those who enter the same gate may bring different ones: each is held to its own. */
export interface GateTerms {
  /** How many may be in at once, the one who asks included; 1 or more. */
  readonly places: number
  /** How many may enter in a second, over a longer time; above 0, fractions too. */
  readonly perSecond: number
  /** How many may enter at the same moment after a time in which nobody did; 1 or more. */
  readonly burst: number
  /** When the place is given to somebody else if nobody leaves it, ms: its holder may have been killed. */
  readonly leaseMs: number
  /** Names the place for `leave`: unique among all processes. */
  readonly token: string
}

export type GateAnswer = { readonly note: string | null } & (
  | { readonly entered: true }
  | {
      readonly entered: false
      /** True when every place is taken: one may be left long before `retryInMs`. False when it is only too early. */
      readonly full: boolean
      /** When asking again can succeed, ms; more than 0. */
      readonly retryInMs: number
    }
)

/**
 * Gates by key, each letting in so many at once and so many per second, shared as far as the driver reaches. A note may be pinned to a gate
 * for those who come after. Who is refused has used up nothing. Gates need not be made or closed.
 */
export interface Gates {
  readonly name: 'memory' | 'redis' | 'fallback'
  /** Takes a place or refuses, at once; nobody queues. Who is in already is let in, and stays once. @throws {Failure} UNAVAILABLE */
  enter(key: string, terms: GateTerms): Promise<GateAnswer>
  /** Calm when the token is not in. @throws {Failure} UNAVAILABLE: the place is free when its lease ends */
  leave(key: string, token: string): Promise<void>
  /** Pins the note in place of the one before. @throws {Failure} UNAVAILABLE */
  note(key: string, note: string, ttlS: number): Promise<void>
}

/** On what terms permits are taken. Those who take from the same key may bring different ones: each is held to its own. */
export interface PermitTerms {
  /** How many are wanted; 1 or more. */
  readonly wanted: number
  /** How many come anew in a second; above 0, fractions too. */
  readonly perSecond: number
  /** How many there are at most, after a time in which nobody took any; 1 or more. */
  readonly burst: number
}

export interface PermitAnswer {
  /** From 0 to as many as were wanted. */
  readonly granted: number
  /** When there is one again, ms; 0 when there is now. */
  readonly retryInMs: number
}

/** Permits by key, of which so many come anew every second, shared as far as the driver reaches. They need not be made, given back or closed. */
export interface Permits {
  readonly name: 'memory' | 'redis' | 'fallback'
  /** Takes what there is of what is wanted, at once; nobody queues. @throws {Failure} UNAVAILABLE, having taken nothing that counts */
  take(key: string, terms: PermitTerms): Promise<PermitAnswer>
}
