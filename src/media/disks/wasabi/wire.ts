import { setMaxListeners } from 'node:events'
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Readable, Writable } from 'node:stream'
import { Failure } from '../../../kernel/errors.js'

/** Requests that are in flight, at most; those beyond wait for a connection. */
const MAX_SOCKETS = 256

export interface WireTimes {
  /** For a connection to be made. */
  readonly connectMs: number
  /** In which nothing comes and nothing goes. */
  readonly idleMs: number
}

/** A body that is at hand, or one of so many bytes that is opened for this attempt. */
export type WireBody = Uint8Array | { readonly bytes: number; readonly open: () => Readable } | null

export interface WireRequest {
  readonly method: string
  /** With its query, encoded. */
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body: WireBody
  /** Instead of the wire's own. */
  readonly idleMs?: number
}

/** The connection broke, or was never made. */
export class WireError extends Error {}

/** An error of the stream that was to be sent: not the wire's fault. */
export class BodyError extends Error {}

/** Kept-alive connections to one host. One `send` is one attempt: nothing is sent twice. */
export class Wire {
  private readonly agent: HttpAgent
  private readonly open: typeof httpRequest

  constructor(
    private readonly endpoint: URL,
    private readonly times: WireTimes,
  ) {
    const secure = endpoint.protocol === 'https:'
    const options = {
      keepAlive: true,
      maxSockets: MAX_SOCKETS,
      maxFreeSockets: MAX_SOCKETS,
      noDelay: true,
      scheduling: 'lifo' as const,
    }
    this.agent = secure ? new HttpsAgent(options) : new HttpAgent(options)
    this.open = secure ? httpsRequest : httpRequest
  }

  /** Whoever takes the answer reads it to its end or destroys it. @throws {WireError | BodyError | unknown} the signal's reason */
  send(request: WireRequest, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      // As many requests as are in flight listen to it.
      setMaxListeners(0, signal)
      const { hostname, port } = this.endpoint
      const outgoing = this.open({
        agent: this.agent,
        host: hostname.replace(/^\[|\]$/g, ''),
        port,
        method: request.method,
        path: request.path,
        headers: request.headers,
        setHost: false,
      })
      const idleMs = request.idleMs ?? this.times.idleMs
      let body: Readable | null = null
      let connecting: NodeJS.Timeout | undefined
      const fail = (error: unknown): void => {
        body?.destroy()
        outgoing.destroy()
        reject(error)
      }
      const abort = (): void => {
        // After the answer has begun this ends its stream too.
        outgoing.destroy(signal.reason)
        fail(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      outgoing.once('close', () => {
        clearTimeout(connecting)
        signal.removeEventListener('abort', abort)
      })
      outgoing.once('socket', socket => {
        if (!socket.connecting) return
        connecting = setTimeout(() => fail(new WireError('no connection in time')), this.times.connectMs)
        socket.once('connect', () => clearTimeout(connecting))
      })
      outgoing.setTimeout(idleMs, () => outgoing.destroy(new WireError(`no answer for ${idleMs / 1000} s`)))
      outgoing.once('error', error => fail(signal.aborted ? signal.reason : new WireError(error.message, { cause: error })))
      outgoing.once('response', answer => {
        answer.on('error', () => {})
        resolve(answer)
      })
      if (request.body === null || request.body instanceof Uint8Array) {
        outgoing.end(request.body ?? undefined)
        return
      }
      try {
        body = request.body.open()
      } catch (error) {
        return fail(error)
      }
      pour(body, request.body.bytes, outgoing, error => fail(new BodyError('the source failed', { cause: error })))
    })
  }

  /** Ends the connections that are open. */
  close(): void {
    this.agent.destroy()
  }
}

/** More bytes than were told would be taken for the next request, fewer would be waited for. */
function pour(body: Readable, bytes: number, into: Writable, fail: (error: unknown) => void): void {
  let left = bytes
  body.on('data', (chunk: Buffer) => {
    left -= chunk.length
    if (left < 0) fail(new Failure('MEDIA_CHANGED', `the media has more than its ${bytes} bytes`))
  })
  body.once('end', () => {
    if (left > 0) fail(new Failure('MEDIA_CHANGED', `the media has ${bytes - left} bytes, not ${bytes}`))
  })
  body.once('error', fail)
  body.pipe(into)
}
