import { isIPv6 } from 'node:net'
import { type Clock, steady } from '../kernel/clock.js'
import { Failure } from '../kernel/errors.js'

/** Wrong tokens of one address in a minute. */
const WRONG_PER_MINUTE = 20
const MINUTE_MS = 60_000
/** Addresses that are remembered; of more, the one that has been longest is forgotten. */
const AT_MOST = 10_000

interface Guesser {
  wrong: number
  until: number
  /** Tokens of it that are being looked up. */
  asking: number
  readonly waiting: { readonly resolve: () => void; readonly reject: (failure: Failure) => void }[]
}

/**
 * Bounds what a client may guess: so many wrong tokens per address and minute, and never more lookups at once than it has guesses left. Of IPv6 the first 64
 * bits are the address: the rest is the client's to choose.
 */
export class Guesses {
  private readonly guessers = new Map<string, Guesser>()

  constructor(
    private readonly now: Clock = steady,
    private readonly perMinute = WRONG_PER_MINUTE,
    private readonly atMost = AT_MOST,
  ) {}

  /** Addresses that are remembered. */
  get size(): number {
    return this.guessers.size
  }

  /** Looks a token up on behalf of the address: null is a wrong one. @throws {Failure} RATE_LIMITED when it had too many; whatever `lookUp` throws */
  async guess<T>(address: string, lookUp: () => Promise<T | null>): Promise<T | null> {
    const guesser = this.guesserAt(networkOf(address))
    await this.turn(guesser)
    try {
      const found = await lookUp()
      if (found === null) guesser.wrong++
      return found
    } finally {
      guesser.asking--
      this.callWaiting(guesser)
    }
  }

  private async turn(guesser: Guesser): Promise<void> {
    if (guesser.wrong >= this.perMinute) throw this.refusal(guesser)
    if (guesser.wrong + guesser.asking < this.perMinute) guesser.asking++
    else await new Promise<void>((resolve, reject) => guesser.waiting.push({ resolve, reject }))
  }

  /** As many as there are places for now; all, to be refused, when there are none any more. */
  private callWaiting(guesser: Guesser): void {
    this.renew(guesser)
    while (guesser.waiting.length > 0 && guesser.wrong + guesser.asking < this.perMinute) {
      guesser.asking++
      guesser.waiting.shift()?.resolve()
    }
    if (guesser.wrong >= this.perMinute) for (const { reject } of guesser.waiting.splice(0)) reject(this.refusal(guesser))
  }

  private refusal(guesser: Guesser): Failure {
    const waitS = Math.max(1, Math.ceil((guesser.until - this.now()) / 1000))
    return new Failure('RATE_LIMITED', 'too many wrong tokens from this address', { retryAfterS: waitS })
  }

  private renew(guesser: Guesser): void {
    const now = this.now()
    if (now < guesser.until) return
    guesser.wrong = 0
    guesser.until = now + MINUTE_MS
  }

  private guesserAt(network: string): Guesser {
    const now = this.now()
    const known = this.guessers.get(network)
    if (known !== undefined && known.asking > 0) this.renew(known)
    if (known !== undefined && now < known.until) return known
    this.guessers.delete(network)
    if (this.guessers.size >= this.atMost) this.forgetOne()
    const guesser = { wrong: 0, until: now + MINUTE_MS, asking: 0, waiting: [] }
    this.guessers.set(network, guesser)
    return guesser
  }

  private forgetOne(): void {
    const [oldest] = this.guessers.keys()
    if (oldest !== undefined) this.guessers.delete(oldest)
  }
}

/** What one client has: the whole address, of IPv6 its /64. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [plain = ''] = address.split('%', 1)
  if (!isIPv6(plain)) return address
  const [front = '', back] = plain.split('::')
  const head = front === '' ? [] : front.split(':')
  if (back === undefined) return groups(head)
  const tail = back === '' ? [] : back.split(':')
  // An IPv4 address at the end is two groups.
  const tailLength = tail.length + (back.includes('.') ? 1 : 0)
  return groups([...head, ...Array.from({ length: Math.max(0, 8 - head.length - tailLength) }, () => '0'), ...tail])
}

function groups(all: readonly string[]): string {
  return all
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
}
