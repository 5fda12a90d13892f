import { Redis, type RedisOptions } from 'ioredis'
import { endWhenSilent } from './silence.js'

/** A server that takes no writes is asked again this much later: until another one is promoted, or the address leads elsewhere. */
const REFUSED_RETRY_MS = 500

export interface SteadyOptions extends RedisOptions {
  readonly retryStrategy: (attempt: number) => number
  /** How long Redis may owe an answer and say nothing, ms. */
  readonly silenceMs?: number | undefined
}

/**
 * One Redis, at an address that may lead to another server after a failover. What ioredis (5.11) does not do by itself: a server that was demoted
 * refuses to write and keeps its connections, which are renewed here, and what it refused is asked of the server that is found then; and a
 * connection whose host is gone without a word is renewed.
 */
export class SteadyRedis extends Redis {
  /** As they were given. */
  private readonly own: SteadyOptions

  /** `address`: a URL; null where the options name the host. */
  constructor(address: string | null, options: SteadyOptions) {
    if (address === null) super(options)
    else super(address, options)
    this.own = options
    this.followFailovers()
    endWhenSilent(this, options.silenceMs)
  }

  override duplicate(override: Partial<RedisOptions> = {}): Redis {
    const { retryStrategy, silenceMs } = this.own
    return new SteadyRedis(null, { ...this.options, ...override, retryStrategy, silenceMs })
  }

  private followFailovers(): void {
    let refused = false
    this.options.reconnectOnError = error => {
      if (!/\bREADONLY\b/.test(error.message)) return false
      refused = true
      // A command that gives up says only that it did.
      if (this.listenerCount('error') > 0) this.emit('error', error)
      return 2
    }
    this.options.retryStrategy = attempt => {
      const waitMs = this.own.retryStrategy(attempt)
      return refused ? Math.max(waitMs, REFUSED_RETRY_MS) : waitMs
    }
    this.on('ready', () => {
      refused = false
    })
  }
}
