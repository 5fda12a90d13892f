import { wordsOf } from './errors.js'

/**
 * Listens to a connection and tells why a command on it failed: a client that gave up says only that it did,
 * the connection's own error before it says why.
 */
export function connectionWords(connection: {
  on(event: 'error', listener: (error: Error) => void): unknown
}): (error: unknown) => string {
  let last: Error | null = null
  connection.on('error', error => {
    last = error
  })
  return error => {
    const words = wordsOf(error)
    return last !== null && /max retries|Connection is closed|timed out/i.test(words) ? wordsOf(last) : words
  }
}
