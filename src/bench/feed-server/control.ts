import type { Exchange } from './exchange.js'
import type { FeedServerStats } from './tally.js'

/** What may be asked of a running feed server, in process or over HTTP. */
export interface FeedServerControl {
  stats(): FeedServerStats
  resetStats(): void
  /** One source, or every one, publishes: `by` editions on, each with one new post and one changed. */
  advanceEdition(source?: number, by?: number): void
  /** Added before each answer, the broken ones included. */
  setLatency(ms: number): void
  /** Makes the compressed bodies of the sources `from` to `to`, both included, so that no measured request waits for that. */
  prepare(from: number, to: number): void
}

type Numbers = Readonly<Record<string, number>>

const DEEDS: Readonly<Record<string, { needs: readonly string[]; run: (server: FeedServerControl, given: Numbers) => unknown }>> =
  {
    'GET stats': { needs: [], run: server => server.stats() },
    'POST reset': { needs: [], run: server => server.resetStats() },
    'POST edition': { needs: [], run: (server, { source, by }) => server.advanceEdition(source, by) },
    'POST latency': { needs: ['ms'], run: (server, { ms = 0 }) => server.setLatency(ms) },
    'POST prepare': { needs: ['from', 'to'], run: (server, { from = 0, to = 0 }) => server.prepare(from, to) },
  }

/** Answers `/_control/*`: JSON for `stats`, 204 for a deed done, 400 naming parameters that are missing or not whole numbers, 404. */
export function answerControl(server: FeedServerControl, { path, request, query, response }: Exchange): void {
  const name = `${request.method} ${path.slice('/_control/'.length)}`
  const deed = DEEDS[name]
  if (deed === undefined) {
    response.writeHead(404).end(`there is no ${name}`)
    return
  }
  const bad = [...query].filter(([, text]) => !/^\d{1,9}$/.test(text)).map(([key]) => key)
  const missing = deed.needs.filter(key => !query.has(key))
  if (bad.length + missing.length > 0) {
    response.writeHead(400).end(`${name} needs whole numbers: ${[...missing, ...bad].join(', ')}`)
    return
  }
  const given = Object.fromEntries([...query].map(([key, text]) => [key, Number(text)]))
  const answer = deed.run(server, given)
  if (answer === undefined) response.writeHead(204).end()
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
}
