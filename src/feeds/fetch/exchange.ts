import type { Dispatcher } from 'undici'
import { Failure } from '../../kernel/errors.js'
import { type ArrivingBody, BodyReader } from './body.js'
import { networkFailure, wasStaleConnection } from './network-failure.js'
import { type BodySink, StreamedBody } from './streamed-body.js'

/** Bytes read of a body that nobody wants, so that its connection can be used again. */
const MAX_UNWANTED_BYTES = 64 * 1024

export interface Reply {
  readonly status: number
  /** A header's value as it was sent, byte for byte as Latin-1; null when it is absent. */
  readonly header: (name: string) => string | null
  /** Decompressed; null when the status is not 2xx, and when it went to a sink. */
  readonly body: Uint8Array<ArrayBuffer> | null
  readonly wireBytes: number
}

export interface ExchangeOptions {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly maxBodyBytes: number
  /** Where the body of a 2xx goes; null gathers it. */
  readonly sink: BodySink | null
  readonly signal: AbortSignal
}

/** The server closed a kept-alive connection before it saw the request, which may be sent again. */
export class StaleConnection extends Error {}

/**
 * Sends one GET and reads its answer; follows nothing.
 * @throws {Failure} FEED_TIMEOUT, FEED_UNREACHABLE, FEED_CUT, FEED_TOO_LARGE, FEED_ENCODING, ADDRESS_REFUSED; what the sink rejects with; the signal's reason; StaleConnection
 */
export function exchange(dispatcher: Pick<Dispatcher, 'dispatch'>, options: ExchangeOptions): Promise<Reply> {
  return new Promise((resolve, reject) => new Exchange(options, resolve, reject).start(dispatcher))
}

class Exchange implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | null = null
  private reader: ArrivingBody | null = null
  private unwantedBytes = 0
  private settled = false
  private over = false
  private readonly timer: NodeJS.Timeout
  private readonly onAbort = () => this.fail(this.options.signal.reason)

  constructor(
    private readonly options: ExchangeOptions,
    private readonly resolve: (reply: Reply) => void,
    private readonly reject: (reason: unknown) => void,
  ) {
    const { url, timeoutMs, signal } = options
    this.timer = setTimeout(() => this.fail(new Failure('FEED_TIMEOUT', `${url.host} did not answer in time`)), timeoutMs)
    signal.addEventListener('abort', this.onAbort, { once: true })
  }

  start(dispatcher: Pick<Dispatcher, 'dispatch'>): void {
    const { url, headers, signal } = this.options
    if (signal.aborted) {
      this.onAbort()
      return
    }
    try {
      dispatcher.dispatch(
        { origin: url.origin, path: url.pathname + url.search, method: 'GET', headers, headersTimeout: 0, bodyTimeout: 0 },
        this,
      )
    } catch (error) {
      this.fail(networkFailure(error, url.host))
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    // Nothing could be aborted while the connection was being made: it was given up, and only now can be told so.
    if (this.over) controller.abort(new Error('given up'))
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.over || status < 200) return
    const header = headerReader(controller.rawHeaders)
    if (status >= 300) {
      this.settle({ status, header, body: null, wireBytes: 0 })
      return
    }
    const { maxBodyBytes: maxBytes, sink } = this.options
    const onBody = (body: Reply['body']) => {
      this.settle({ status, header, body, wireBytes: reader.wireBytes })
      this.release()
    }
    const options = { contentEncoding: header('content-encoding'), maxBytes, onFailure: (reason: unknown) => this.fail(reason) }
    const reader: ArrivingBody =
      sink === null
        ? new BodyReader({ ...options, onBody })
        : new StreamedBody({ ...options, sink, flow: controller, onEnd: () => onBody(null) })
    this.reader = reader
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.reader !== null) this.reader.write(chunk)
    else {
      this.unwantedBytes += chunk.byteLength
      if (this.unwantedBytes > MAX_UNWANTED_BYTES) controller.abort(new Error('unwanted'))
    }
  }

  onResponseEnd(): void {
    if (this.reader === null) this.release()
    else this.reader.end()
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const stale = this.reader === null && !this.settled && wasStaleConnection(error)
    this.fail(stale ? new StaleConnection(error.message) : networkFailure(error, this.options.url.host))
  }

  private settle(reply: Reply): void {
    this.settled = true
    this.resolve(reply)
  }

  private fail(reason: unknown): void {
    if (this.over) return
    this.release()
    this.reader?.drop()
    if (!this.settled) this.reject(reason)
    this.settled = true
    if (this.controller?.aborted === false) this.controller.abort(new Error('given up'))
  }

  /** Ends the clock and stops listening; the answer may have been given before, while an unwanted body was still arriving. */
  private release(): void {
    this.over = true
    clearTimeout(this.timer)
    this.options.signal.removeEventListener('abort', this.onAbort)
  }
}

function headerReader(raw: Dispatcher.DispatchController['rawHeaders']): Reply['header'] {
  const values = new Map<string, string>()
  if (Array.isArray(raw)) {
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i]?.toString('latin1').toLowerCase() ?? ''
      const value = raw[i + 1]?.toString('latin1') ?? ''
      const before = values.get(name)
      values.set(name, before === undefined ? value : `${before}, ${value}`)
    }
  }
  return name => values.get(name) ?? null
}
