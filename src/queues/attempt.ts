import { setMaxListeners } from 'node:events'
import { Failure, isFailure } from '../kernel/errors.js'

export interface AttemptLimits {
  /** Deadline of the attempt. */
  readonly timeoutMs: number
  /** How long the deed may go on after its deadline; what has not stopped then loses its slot. */
  readonly graceMs: number
  /** Aborted when the job must be given back; its reason is the failure to stop with. */
  readonly handBack: AbortSignal
  /** How long the deed may go on after that. */
  readonly handBackGraceMs: number
}

/** How long a job that was told to stop at its deadline may take for it. */
export const GRACE_MS = 10_000

const HINT = 'FEEDCTL_JOB_TIMEOUT_S'

export type AttemptEnd =
  | { readonly kind: 'done' }
  /** `heeded`: the deed ended by itself, and had the last word; else it still runs, and what it does is lost. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly heeded: boolean }
  | { readonly kind: 'handed-back'; readonly heeded: boolean }

/** Runs the deed with a signal that tells it to stop at its deadline, or when it is to be given back. Never throws. */
export async function runAttempt(deed: (signal: AbortSignal) => Promise<void>, limits: AttemptLimits): Promise<AttemptEnd> {
  const stop = new AbortController()
  // Everything that the deed waits for at the same time listens.
  setMaxListeners(0, stop.signal)
  const timers: NodeJS.Timeout[] = []
  const late = () => stop.abort(new Failure('JOB_TIMEOUT', `it took longer than ${limits.timeoutMs / 1000} s`, { hint: HINT }))
  const handBack = () => stop.abort(limits.handBack.reason)
  const unheeded = new Promise<false>(resolve => {
    stop.signal.addEventListener('abort', () => {
      const graceMs = isDeadline(stop.signal) ? limits.graceMs : limits.handBackGraceMs
      timers.push(setTimeout(resolve, graceMs, false).unref())
    })
  })
  limits.handBack.addEventListener('abort', handBack, { once: true })
  if (limits.handBack.aborted) handBack()
  timers.push(setTimeout(late, limits.timeoutMs).unref())
  try {
    const heeded = await Promise.race([begin(deed, stop.signal), unheeded])
    return heeded ? { kind: 'done' } : stopped(stop.signal, false)
  } catch (error) {
    return stop.signal.aborted ? stopped(stop.signal, true) : { kind: 'failed', error, heeded: true }
  } finally {
    for (const timer of timers) clearTimeout(timer)
    limits.handBack.removeEventListener('abort', handBack)
  }
}

async function begin(deed: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<true> {
  await deed(signal)
  return true
}

function stopped(signal: AbortSignal, heeded: boolean): AttemptEnd {
  return isDeadline(signal) ? { kind: 'failed', error: signal.reason, heeded } : { kind: 'handed-back', heeded }
}

function isDeadline({ reason }: AbortSignal): boolean {
  return isFailure(reason, 'JOB_TIMEOUT')
}
