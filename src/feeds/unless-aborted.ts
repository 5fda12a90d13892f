import { setMaxListeners } from 'node:events'

/** What the promise comes to, or the signal's reason as soon as it aborts. What is waited for goes on: it is somebody else's. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {})
    return Promise.reject(signal.reason)
  }
  // One signal stops thousands: that many listeners are no leak.
  setMaxListeners(0, signal)
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
