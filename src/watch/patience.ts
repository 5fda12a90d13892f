import { sleep } from '../kernel/clock.js'
import { Failure } from '../kernel/errors.js'

/** The answer, unless it takes longer: it is then not waited for any more. @throws {Failure} UNAVAILABLE when it is late; the signal's reason */
export async function within<T>(answer: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  const done = new AbortController()
  const late = sleep(ms, AbortSignal.any([done.signal, signal])).then((): never => {
    throw new Failure('UNAVAILABLE', `no answer within ${ms / 1000} s`)
  })
  try {
    return await Promise.race([answer, late])
  } finally {
    done.abort()
  }
}
