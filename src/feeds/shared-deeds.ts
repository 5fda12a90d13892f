import { unlessAborted } from './unless-aborted.js'

/** Deeds that are done once for all who want them at the same time. */
export class SharedDeeds<T> {
  private readonly underWay = new Map<string, { readonly outcome: Promise<T>; readonly signal: AbortSignal }>()

  /**
   * Begins the deed, or waits with the one who has begun it. The signal ends the waiting of its owner only: when it stops the deed itself, another
   * of those who wait begins it anew. Rejects with the signal's reason, and with what the deed rejects with.
   */
  async once(key: string, signal: AbortSignal, deed: () => Promise<T>): Promise<T> {
    for (;;) {
      signal.throwIfAborted()
      const known = this.underWay.get(key)
      if (known === undefined) return this.begin(key, signal, deed)
      try {
        return await unlessAborted(known.outcome, signal)
      } catch (error) {
        if (signal.aborted || !known.signal.aborted) throw error
      }
    }
  }

  private begin(key: string, signal: AbortSignal, deed: () => Promise<T>): Promise<T> {
    const outcome = deed().finally(() => this.underWay.delete(key))
    this.underWay.set(key, { outcome, signal })
    return outcome
  }
}
