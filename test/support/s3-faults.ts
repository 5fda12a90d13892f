import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { type S3Place, s3Place } from './s3-place.js'

/** What happens to a request instead of, or beside, its being passed on. */
export type S3Fault =
  /** Answered with the error, and not passed on. */
  | { readonly kind: 'status'; readonly status: number; readonly code: string }
  /** Answered with this, and not passed on. */
  | { readonly kind: 'answer'; readonly xml: string }
  /** Passed on after so long, or when that has come to its end. */
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'delay'; readonly until: Promise<unknown> }
  /** The connection is ended before an answer, the request not passed on. */
  | { readonly kind: 'drop' }
  /** Passed on; the connection is ended instead of the answer. */
  | { readonly kind: 'lose-answer' }
  /** The answer's body is cut after so many bytes, with the length that the whole has. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** The answer tells of another ETag. */
  | { readonly kind: 'wrong-etag' }

export const SLOW_DOWN: S3Fault = { kind: 'status', status: 503, code: 'SlowDown' }
export const RATE_LIMITED: S3Fault = { kind: 'status', status: 400, code: 'RequestRateLimitExceeded' }
export const INTERNAL_ERROR: S3Fault = { kind: 'status', status: 500, code: 'InternalError' }
export const DROPPED: S3Fault = { kind: 'drop' }

/** A request as it was seen. */
export interface SeenRequest {
  readonly method: string
  /** Path and query, encoded. */
  readonly url: string
  /** Of the object, decoded; '' for the bucket itself. */
  readonly key: string
  readonly query: URLSearchParams
}

/** Answers the fault of this request, or null for none. */
export type FaultPlan = (seen: SeenRequest) => S3Fault | null

/** The plan's fault for that part (0 to 1) of the requests, the same ones at every run. */
export function atRate(rate: number, fault: S3Fault): FaultPlan {
  let sum = 0
  return () => {
    sum += rate
    if (sum < 1) return null
    sum -= 1
    return fault
  }
}

/** The fault for the first so many requests that the test accepts. */
export function firstTimes(times: number, fault: S3Fault, accepts: (seen: SeenRequest) => boolean = () => true): FaultPlan {
  let left = times
  return seen => (accepts(seen) && left-- > 0 ? fault : null)
}

/** A place that leads to another one, and has its bad days. Requests are passed on to the byte, with their Host: signatures stay good. */
export class S3Faults implements AsyncDisposable {
  /** Every request, those with faults included, in order. */
  readonly seen: SeenRequest[] = []
  /** Replace it at any time; null: none. */
  plan: FaultPlan | null = null
  /** Connections are ended at once while this is true, as a server's that is stopped. */
  down = false
  readonly place: S3Place
  /** Gives an idle connection up before the server does, which ends it after 5 s. */
  private readonly agent = new Agent({ keepAlive: true, timeout: 3_000 })

  private constructor(
    private readonly server: Server,
    private readonly target: S3Place,
  ) {
    const { port } = server.address() as AddressInfo
    this.place = s3Place({ ...target, endpoint: `http://127.0.0.1:${port}` })
    server.on('connection', socket => {
      if (this.down) socket.destroy()
    })
    server.on('request', (incoming, answer) => void this.handle(incoming, answer))
  }

  static async before(target: S3Place): Promise<S3Faults> {
    const server = createServer({ keepAliveTimeout: 60_000 })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new S3Faults(server, target)
  }

  /** How often such requests were seen. */
  count(method: string, accepts: (seen: SeenRequest) => boolean = () => true): number {
    return this.seen.filter(seen => seen.method === method && accepts(seen)).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close()
    this.server.closeAllConnections()
    this.agent.destroy()
  }

  private async handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    if (this.down) return void incoming.socket.destroy()
    const seen = this.look(incoming)
    this.seen.push(seen)
    const fault = this.plan?.(seen) ?? null
    incoming.on('error', () => {})
    answer.on('error', () => {})
    if (fault?.kind === 'drop') return void incoming.socket.destroy()
    if (fault?.kind === 'status') return refuse(incoming, answer, fault)
    if (fault?.kind === 'answer') return void incoming.resume().on('end', () => answer.end(fault.xml))
    if (fault?.kind === 'delay') await ('ms' in fault ? pause(fault.ms) : fault.until)
    this.pass(incoming, answer, fault)
  }

  private look(incoming: IncomingMessage): SeenRequest {
    const url = incoming.url ?? '/'
    const [path = '', query = ''] = url.split('?', 2)
    const key = decodeURIComponent(path.replace(/^\/[^/]*\/?/, ''))
    return { method: incoming.method ?? '', url, key, query: new URLSearchParams(query) }
  }

  private pass(incoming: IncomingMessage, answer: ServerResponse, fault: S3Fault | null): void {
    const { hostname, port } = new URL(this.target.endpoint)
    const headers = incoming.rawHeaders
    const outgoing = request({
      agent: this.agent,
      hostname,
      port,
      method: incoming.method,
      path: incoming.url,
      headers,
      setHost: false,
    })
    outgoing.on('error', () => incoming.socket.destroy())
    outgoing.on('response', from => {
      from.on('error', () => incoming.socket.destroy())
      if (fault?.kind === 'lose-answer') return void from.resume().on('end', () => incoming.socket.destroy())
      answer.writeHead(from.statusCode ?? 502, fault?.kind === 'wrong-etag' ? otherEtag(from) : from.rawHeaders)
      if (fault?.kind === 'truncate') return cutAfter(fault.bytes, from, answer)
      from.pipe(answer)
    })
    incoming.pipe(outgoing)
  }
}

function refuse(incoming: IncomingMessage, answer: ServerResponse, { status, code }: { status: number; code: string }): void {
  // The whole body is taken first: an answer in its middle would break the connection instead.
  incoming.resume().on('end', () => {
    answer.writeHead(status, { 'content-type': 'application/xml' })
    const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>as the test wants it</Message></Error>`
    answer.end(incoming.method === 'HEAD' ? undefined : body)
  })
}

function otherEtag(from: IncomingMessage): string[] {
  return from.rawHeaders.map((text, index) => {
    const name = from.rawHeaders[index - 1]
    return index % 2 === 1 && name?.toLowerCase() === 'etag' ? '"00000000000000000000000000000000"' : text
  })
}

function cutAfter(bytes: number, from: IncomingMessage, answer: ServerResponse): void {
  let left = bytes
  from.on('end', () => answer.end())
  from.on('data', (chunk: Buffer) => {
    if (left <= 0) return
    const part = chunk.subarray(0, left)
    left -= part.length
    answer.write(part, () => {
      if (left <= 0) answer.socket?.destroySoon()
    })
  })
}
