import { wordsOf } from './errors.js'

/** What the client of one Redis, or of a cluster, says when it gave up. */
const GAVE_UP =
  /max retries|Connection is closed|timed out|refresh slots cache|startup nodes|Cluster redirections|Cluster is ended/i

interface Connection {
  on(event: string, listener: (error: Error, node?: string) => void): unknown
}

const listening = new WeakMap<Connection, (error: unknown) => string>()

/**
 * Listens to a connection and tells why a command on it failed: a client that gave up says only that it did,
 * the connection's own error before it says why. Of a cluster that is the newest error of one of its nodes.
 */
export function connectionWords(connection: Connection): (error: unknown) => string {
  const known = listening.get(connection)
  if (known !== undefined) return known
  let last: string | null = null
  connection.on('error', error => {
    if (last === null || !saysNothing(error)) last = reasonOf(error)
  })
  connection.on('node error', (error, node) => {
    last = saysNothing(error) ? `${node} does not answer` : `${reasonOf(error)} (${node})`
  })
  const why = (error: unknown) => (last !== null && GAVE_UP.test(wordsOf(error)) ? last : reasonOf(error))
  listening.set(connection, why)
  return why
}

/** Of a cluster of which no node answered, what the last of them said. */
function reasonOf(error: unknown): string {
  const lastNodeError = error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : null
  return lastNodeError instanceof Error ? wordsOf(lastNodeError) : wordsOf(error)
}

/** Whether it says that something failed, and not what. */
function saysNothing(error: Error): boolean {
  return GAVE_UP.test(reasonOf(error))
}
