import autocannon, { type Options, type Result } from 'autocannon'
import type { LoopResult } from './closed-loop.js'
import type { Target } from './connection.js'
import { Latencies } from './latencies.js'

/** So many users, each of whom asks again as soon as it is answered. */
export interface UsersOrder {
  readonly target: Target
  readonly connections: number
  readonly durationS: number
  readonly path: string
  /** Of the tenants, whose users they are in turn. */
  readonly tokens: readonly string[]
}

/** By autocannon, in a closed loop: its open rates correct latencies wrongly, and are not used. */
export async function concurrentUsers({ target, connections, durationS, path, tokens }: UsersOrder): Promise<LoopResult> {
  const latencies = new Latencies()
  const byStatus = new Map<number, number>()
  let users = 0
  const begun = performance.now()
  const options: Options = {
    url: `http://${target.host}:${target.port}${path}`,
    connections,
    duration: durationS,
    timeout: 20,
    setupClient: client => {
      const own = tokensOf(users++, connections, tokens)
      client.setRequests(own.map(token => ({ headers: { authorization: `Bearer ${token}` } })))
    },
  }
  const { errors, timeouts, resets, non2xx } = await fire(options, (status, ms) => {
    latencies.add(ms)
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
  })
  const wallMs = performance.now() - begun
  const lost = errors + timeouts + resets
  const complaints = [...byStatus.keys()].filter(status => status !== 200).map(status => `answers with ${status} instead of 200`)
  if (lost > 0) complaints.push(`connections lost: ${errors} errors, ${timeouts} timeouts, ${resets} resets`)
  const latency = latencies.figures()
  return {
    ...{ answers: latency.count, byStatus: Object.fromEntries(byStatus), wrong: non2xx, hashed: 0, lost, complaints },
    ...{ wallMs, latency },
  }
}

/** Of one user; of several tenants in turn where there are more tenants than users. */
function tokensOf(user: number, users: number, tokens: readonly string[]): string[] {
  const own: string[] = []
  for (let n = user % tokens.length; n < tokens.length; n += users) own.push(tokens[n] as string)
  return own
}

function fire(options: Options, onAnswer: (status: number, ms: number) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    const running = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)))
    running.on('response', (_client, status, _bytes, ms) => onAnswer(status, ms))
  })
}
