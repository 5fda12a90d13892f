/** Milliseconds since the epoch. Passed where a decision depends on time, so that tests can name it. */
export type Clock = () => number

/** Milliseconds since some moment of this process. Nobody sets it: for how long something has lasted. */
export const steady: Clock = () => performance.now()

/** Resolves after the time, or rejects with the signal's reason as soon as it aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
