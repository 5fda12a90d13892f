import autocannon, { type Client, type Options } from 'autocannon'
import { type DrawnResult, PATIENCE_MS } from './closed-loop.js'
import type { Target } from './connection.js'
import { Arrivals } from './drawing.js'
import { Latencies } from './latencies.js'
import { littleFault } from './little.js'

/** What users ask of an API of feedctl's own; 200 is right as an answer. */
export interface UserRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** So many users, each of whom asks again as soon as it is answered. */
export interface UsersOrder {
  /** Over http: autocannon takes every certificate. */
  readonly target: Target
  readonly connections: number
  readonly durationS: number
  /** Which the users have in turn; several each where there are more of them than users. */
  readonly requests: readonly UserRequest[]
}

/** autocannon's, which ends when it has made as many requests. */
type User = Client & { responseMax?: number }

/** By autocannon, in a closed loop: its open rates correct latencies wrongly, and are not used. Whoever asked before the time was over is waited for. */
export async function concurrentUsers({ target, connections, durationS, requests }: UsersOrder): Promise<DrawnResult> {
  if (target.secure) throw new Error('autocannon checks no certificates')
  const watch = new UsersWatch(durationS * 1000)
  let users = 0
  const options: Options = {
    url: `http://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`,
    connections,
    duration: durationS + PATIENCE_MS / 1000,
    timeout: durationS + PATIENCE_MS / 1000,
    setupClient: client => {
      client.setRequests(ofUser(users++, connections, requests).map(({ path, headers }) => ({ path, headers: { ...headers } })))
      watch.follow(client)
    },
  }
  const timer = setTimeout(() => watch.end(), durationS * 1000)
  await new Promise<void>((resolve, reject) => {
    const running = autocannon(options, error => (error ? reject(error) : resolve()))
    running.on('response', (client, status, _bytes, ms) => watch.take(client, status, ms))
  })
  clearTimeout(timer)
  return watch.result()
}

/** What autocannon does not tell: requests that were never answered, and for how long each user was there. */
class UsersWatch {
  private readonly latencies = new Latencies()
  private readonly arrivals: Arrivals
  private readonly byStatus = new Map<number, number>()
  private readonly since = new Map<User, number>()
  private readonly span = new Map<User, { readonly from: number; until: number }>()
  private readonly begun = performance.now()
  private answers = 0
  private lost = 0

  constructor(durationMs: number) {
    this.arrivals = new Arrivals(durationMs)
  }

  follow(client: User): void {
    client.on('request' as never, () => {
      const now = performance.now()
      // The one before was on a connection that is gone.
      if (this.since.has(client)) this.lose(client, now)
      this.since.set(client, now)
      if (!this.span.has(client)) this.span.set(client, { from: now, until: now })
    })
  }

  take(client: User, status: number, ms: number): void {
    const now = performance.now()
    this.answers += 1
    this.latencies.add(ms)
    this.arrivals.add(now - this.begun)
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1)
    this.leave(client, now)
  }

  /** Nobody asks any more. */
  end(): void {
    for (const client of this.span.keys()) client.responseMax = 1
  }

  result(): DrawnResult {
    const spans = [...this.span.values()]
    const last = Math.max(this.begun, ...spans.map(({ until }) => until))
    const now = performance.now()
    for (const client of [...this.since.keys()]) this.lose(client, now)
    const wallMs = (this.lost > 0 ? now : last) - this.begun
    const latency = this.latencies.figures()
    const presentMs = spans.reduce((sum, { from, until }) => sum + until - from, 0)
    const strange = littleFault((latency.meanMs ?? 0) * latency.count, presentMs)
    const wrong = [...this.byStatus].filter(([status]) => status !== 200)
    const complaints = wrong.map(([status]) => `answers with ${status} instead of 200`)
    if (this.lost > 0) complaints.push('connections lost: no answer')
    return {
      ...{ answers: this.answers, byStatus: Object.fromEntries(this.byStatus), hashed: 0, lost: this.lost, complaints },
      wrong: wrong.reduce((sum, [, count]) => sum + count, 0),
      ...{ wallMs, latency, drawing: { latencies: this.latencies.counts(), arrivals: this.arrivals.counts() } },
      strange,
    }
  }

  private lose(client: User, now: number): void {
    this.lost += 1
    this.latencies.add(now - (this.since.get(client) ?? now))
    this.leave(client, now)
  }

  private leave(client: User, now: number): void {
    this.since.delete(client)
    const span = this.span.get(client)
    if (span !== undefined) span.until = now
  }
}

/** Of one user; several in turn where there are more of them than users. */
function ofUser(user: number, users: number, requests: readonly UserRequest[]): UserRequest[] {
  const own: UserRequest[] = []
  for (let n = user % requests.length; n < requests.length; n += users) own.push(requests[n] as UserRequest)
  return own
}
