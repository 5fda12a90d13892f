/** Below this share of the settings a host is not slowed further. */
const MIN_SHARE = 1 / 64
/** What a host that answers is given back, at most once in `RAISE_EVERY_MS`: from a half to the whole takes some five minutes of asking. */
const RAISE = 1 / 64
const RAISE_EVERY_MS = 10_000
/** The longest all feeds of a host wait because of one answer, seconds: a feed's own wait may be longer. */
export const MAX_QUIET_S = 24 * 3600
/** When what was learned of a host is forgotten if nothing is added to it, seconds. */
export const STATE_TTL_S = MAX_QUIET_S + 3600

/** What a host has taught about how much it takes. Times are milliseconds since the epoch; 0 for never. */
export interface HostState {
  /** Of the settings' concurrency and rate, from `MIN_SHARE` to 1. */
  readonly share: number
  readonly halvedAt: number
  /** When `share` last changed, either way. */
  readonly changedAt: number
  /** Nothing is to be sent before. */
  readonly quietUntil: number
}

/**
 * - `limited`: the host refused a request, sent at `sentAt`, because there were too many. `quietS`: how long all its feeds are to wait; null when it did
 *   not say, or said it of one document.
 * - `answered`: anything else that is an answer.
 */
export type HostEvent =
  | { readonly kind: 'limited'; readonly sentAt: number; readonly quietS: number | null }
  | { readonly kind: 'answered' }

export interface HostLimits {
  /** Requests at once. */
  readonly places: number
  readonly perSecond: number
  readonly burst: number
}

export const UNTAUGHT: HostState = { share: 1, halvedAt: 0, changedAt: 0, quietUntil: 0 }

/**
 * The state after an event; the same object when nothing was learned. Half after a refusal, a little more with time (additive increase,
 * multiplicative decrease). Refusals of requests that were under way together are one lesson.
 */
export function afterEvent(state: HostState, event: HostEvent, now: number): HostState {
  if (event.kind === 'answered') {
    if (state.share >= 1 || now - state.changedAt < RAISE_EVERY_MS) return state
    return { ...state, share: Math.min(1, state.share + RAISE), changedAt: now }
  }
  const quietMs = Math.min(event.quietS ?? 0, MAX_QUIET_S) * 1000
  const quietUntil = quietMs === 0 ? state.quietUntil : Math.max(state.quietUntil, now + quietMs)
  if (event.sentAt > state.halvedAt) {
    return { share: Math.max(MIN_SHARE, state.share / 2), halvedAt: now, changedAt: now, quietUntil }
  }
  return quietUntil === state.quietUntil ? state : { ...state, quietUntil }
}

/** What may be asked of the host: the settings, reduced by what it taught; never fewer than one request at once. */
export function limitsOf(state: HostState, settings: { perHost: number; hostRate: number }): HostLimits {
  const places = Math.max(1, Math.floor(settings.perHost * state.share))
  const perSecond = settings.hostRate * state.share
  // As many may begin together as may be under way together.
  return { places, perSecond, burst: Math.max(1, Math.min(places, Math.floor(perSecond))) }
}

/** How long nothing is to be sent, ms; 0 for now. */
export function quietMs(state: HostState, now: number): number {
  return Math.max(0, state.quietUntil - now)
}

/** Of two processes' knowledge: the newer share, the longer quiet. */
export function merged(mine: HostState, theirs: HostState): HostState {
  const newer = theirs.changedAt >= mine.changedAt ? theirs : mine
  return { ...newer, quietUntil: Math.max(mine.quietUntil, theirs.quietUntil) }
}

export function writeNote(state: HostState): string {
  return [state.share, state.halvedAt, state.changedAt, state.quietUntil].join(' ')
}

/** Null for a note that another version of feedctl wrote. */
export function readNote(note: string): HostState | null {
  const [share, halvedAt, changedAt, quietUntil, ...rest] = note.split(' ').map(Number)
  if (share === undefined || halvedAt === undefined || changedAt === undefined || quietUntil === undefined) return null
  if (rest.length > 0 || ![share, halvedAt, changedAt, quietUntil].every(Number.isFinite)) return null
  return share < MIN_SHARE || share > 1 ? null : { share, halvedAt, changedAt, quietUntil }
}
