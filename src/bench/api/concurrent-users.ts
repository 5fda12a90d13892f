import autocannon, { type Options, type Result } from 'autocannon'
import type { DrawnResult } from './closed-loop.js'
import type { Target } from './connection.js'
import { Arrivals } from './drawing.js'
import { Latencies } from './latencies.js'

/** What users ask, and what is right as an answer. */
export interface UserRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly status: number
}

/** So many users, each of whom asks again as soon as it is answered. */
export interface UsersOrder {
  readonly target: Target
  readonly connections: number
  readonly durationS: number
  /** Which the users have in turn; several each where there are more of them than users. */
  readonly requests: readonly UserRequest[]
}

/** By autocannon, in a closed loop: its open rates correct latencies wrongly, and are not used. */
export async function concurrentUsers({ target, connections, durationS, requests }: UsersOrder): Promise<DrawnResult> {
  const latencies = new Latencies()
  const arrivals = new Arrivals(durationS * 1000)
  const byStatus = new Map<number, number>()
  const right = new Set(requests.map(({ status }) => status))
  let users = 0
  const begun = performance.now()
  const options: Options = {
    url: urlOf(target),
    connections,
    duration: durationS,
    timeout: 20,
    setupClient: client => {
      client.setRequests(ofUser(users++, connections, requests).map(({ path, headers }) => ({ path, headers: { ...headers } })))
    },
  }
  const { errors, timeouts, resets } = await fire(options, (status, ms) => {
    latencies.add(ms)
    arrivals.add(performance.now() - begun)
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
  })
  const wallMs = performance.now() - begun
  const lost = errors + timeouts + resets
  const wrong = [...byStatus].filter(([status]) => !right.has(status))
  const complaints = wrong.map(([status]) => `answers with ${status} instead of ${[...right].join(' or ')}`)
  if (lost > 0) complaints.push(`connections lost: ${errors} errors, ${timeouts} timeouts, ${resets} resets`)
  const latency = latencies.figures()
  return {
    ...{ answers: latency.count, byStatus: Object.fromEntries(byStatus), hashed: 0, lost, complaints },
    wrong: wrong.reduce((sum, [, count]) => sum + count, 0),
    ...{ wallMs, latency, drawing: { latencies: latencies.counts(), arrivals: arrivals.counts() } },
  }
}

function urlOf({ host, port, secure }: Target): string {
  return `${secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Of one user; several in turn where there are more of them than users. */
function ofUser(user: number, users: number, requests: readonly UserRequest[]): UserRequest[] {
  const own: UserRequest[] = []
  for (let n = user % requests.length; n < requests.length; n += users) own.push(requests[n] as UserRequest)
  return own
}

function fire(options: Options, onAnswer: (status: number, ms: number) => void): Promise<Result> {
  return new Promise((resolve, reject) => {
    const running = autocannon(options, (error, result) => (error ? reject(error) : resolve(result)))
    running.on('response', (_client, status, _bytes, ms) => onAnswer(status, ms))
  })
}
