const LATELY_MS = 60_000
const MAX_HOSTS = 20_000

/** Hosts that were seen to work not long ago, the newest last. */
export class ServingHosts {
  private readonly seenAt = new Map<string, number>()

  saw(host: string): void {
    this.seenAt.delete(host)
    this.seenAt.set(host, Date.now())
    const [oldest] = this.seenAt.keys()
    if (this.seenAt.size > MAX_HOSTS && oldest !== undefined) this.seenAt.delete(oldest)
  }

  /** In the last minute. */
  lately(host: string): boolean {
    return Date.now() - (this.seenAt.get(host) ?? Number.NEGATIVE_INFINITY) < LATELY_MS
  }
}
