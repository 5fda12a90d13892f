const LATELY_MS = 60_000
const MAX_HOSTS = 20_000

interface Sight {
  readonly url: string
  readonly at: number
}

/** Hosts that were seen to work not long ago, the newest last. */
export class ServingHosts {
  private readonly seen = new Map<string, Sight>()

  /** The host answered about a document: with it, that it did not change, or that there is none. */
  saw(host: string, url: string): void {
    this.seen.delete(host)
    this.seen.set(host, { url, at: Date.now() })
    const [oldest] = this.seen.keys()
    if (this.seen.size > MAX_HOSTS && oldest !== undefined) this.seen.delete(oldest)
  }

  /** Whether it did so in the last minute, about another document than this. */
  servesOthers(host: string, url: string): boolean {
    const last = this.seen.get(host)
    return last !== undefined && last.url !== url && Date.now() - last.at < LATELY_MS
  }
}
