import { sleep } from '../../kernel/clock.js'
import { Failure, wordsOf } from '../../kernel/errors.js'

const TIMEOUT_MS = 30_000
const MOST_TRIES = 6

export interface Answer {
  readonly status: number
  readonly etag: string | null
  /** Headers and body, to be looked through. */
  readonly text: string
  readonly body: string
}

export interface Question {
  readonly method?: string
  readonly path: string
  /** Null asks without one. */
  readonly token: string | null
  readonly etag?: string | null
}

/** Asks an API, again when it is asked to wait. */
export class Asker {
  constructor(
    private readonly origin: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws {Failure} UNAVAILABLE when there is no API, or it has no time */
  async ask({ method = 'GET', path, token, etag = null }: Question): Promise<Answer> {
    const headers = {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(etag === null ? {} : { 'if-none-match': etag }),
    }
    for (let tries = 1; ; tries++) {
      const answer = await this.askOnce(new URL(path, this.origin), { method, headers })
      if (answer.status !== 429 && answer.status !== 503) return answer
      if (tries === MOST_TRIES) throw new Failure('UNAVAILABLE', `the API answers ${answer.status} to ${method} ${pathOf(path)}`)
      await sleep(tries * 500, this.signal)
    }
  }

  private async askOnce(url: URL, init: { method: string; headers: Record<string, string> }): Promise<Answer> {
    try {
      const signal = AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)])
      const response = await fetch(url, { ...init, redirect: 'manual', signal })
      const body = Buffer.from(await response.arrayBuffer()).toString('utf8')
      const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n')
      return { status: response.status, etag: response.headers.get('etag'), text: `${headers}\n\n${body}`, body }
    } catch (error) {
      this.signal.throwIfAborted()
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
      throw new Failure('UNAVAILABLE', `no answer from ${url.origin}: ${wordsOf(cause)}`, {
        cause: error,
        hint: '--url of a running API, or none',
      })
    }
  }
}

/** Without its query: links bear a signature. */
export function pathOf(path: string): string {
  return path.replace(/\?.*$/s, '')
}
