import { hostname } from 'node:os'
import { Failure, wordsOf } from '../kernel/errors.js'
import { retry } from '../kernel/retry.js'
import type { Telling } from './alert-decision.js'

const TIMEOUT_MS = 5_000
const TRIES = { tries: 3, firstMs: 500, maxMs: 2_000 }

/** Where alerts are posted to. Its URL is a secret: nothing it says or throws has more of it than the host. */
export class Webhook {
  readonly host: string
  private readonly url: URL
  private readonly headers: Readonly<Record<string, string>>

  /** @throws {Failure} CONFIG_INVALID */
  constructor(url: string) {
    const { parsed, credentials } = parseWebhook(url)
    this.headers = {
      'content-type': 'application/json',
      ...(credentials === null ? {} : { authorization: `Basic ${credentials}` }),
    }
    this.url = parsed
    this.host = parsed.host
  }

  /** Tries a few times where that can help. @throws {Failure} UNAVAILABLE when it was not taken, or the signal aborted */
  async post(telling: Telling, signal: AbortSignal): Promise<void> {
    const body = JSON.stringify(bodyOf(telling))
    const worthRetrying = (error: unknown) => error instanceof NotTaken && error.again
    try {
      await retry(() => this.postOnce(body, signal), { ...TRIES, signal, worthRetrying })
    } catch (error) {
      throw new Failure('UNAVAILABLE', `${this.host}: ${error instanceof NotTaken ? error.message : 'it was interrupted'}`)
    }
  }

  private async postOnce(body: string, signal: AbortSignal): Promise<void> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS)
    const answer = await fetch(this.url, {
      method: 'POST',
      headers: this.headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    }).catch(error => {
      signal.throwIfAborted()
      if (timeout.aborted) throw new NotTaken(`no answer within ${TIMEOUT_MS / 1000} s`, false)
      throw new NotTaken(error.cause === undefined ? 'the request failed' : wordsOf(error.cause), true)
    })
    await answer.body?.cancel()
    if (!answer.ok) throw new NotTaken(`it answered ${answer.status}`, answer.status >= 500 || answer.status === 429)
  }
}

/** The URL without the name and password that may be in it: requests with such are refused. `credentials`: of them, for Basic; null without. */
function parseWebhook(url: string): { parsed: URL; credentials: string | null } {
  try {
    const parsed = new URL(url)
    if (!/^https?:$/.test(parsed.protocol)) throw new TypeError('another protocol')
    const [username, password] = [decodeURIComponent(parsed.username), decodeURIComponent(parsed.password)]
    parsed.username = ''
    parsed.password = ''
    return { parsed, credentials: username + password === '' ? null : Buffer.from(`${username}:${password}`).toString('base64') }
  } catch {
    throw new Failure('CONFIG_INVALID', 'FEEDCTL_ALERT_WEBHOOK is not an http(s) URL', {
      hint: 'unset it to have alerts in the log only',
    })
  }
}

class NotTaken extends Error {
  constructor(
    words: string,
    readonly again: boolean,
  ) {
    super(words)
  }
}

function bodyOf({ event, name, message, since, at, lastedMs, told }: Telling): Record<string, string | number> {
  const [sinceText, atText] = [new Date(since).toISOString(), new Date(at).toISOString()]
  return { event, name, message, since: sinceText, at: atText, lasted_ms: lastedMs, told, host: hostname() }
}
