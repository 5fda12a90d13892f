/** Room for so many at a time, which may change. */
export class ChangingSlots {
  private taken = 0
  private readonly waiting: { readonly enter: () => void }[] = []

  constructor(private most: number) {}

  /** Fewer end when their holders leave. */
  set limit(most: number) {
    this.most = most
    this.admit()
  }

  get limit(): number {
    return this.most
  }

  /** Resolves when there is room, in the order of the calls, with how to leave it. Rejects with the signal's reason when it aborts. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.waiting.splice(this.waiting.indexOf(entry), 1)
        reject(signal.reason)
      }
      const entry = {
        enter: () => {
          signal.removeEventListener('abort', stop)
          resolve()
        },
      }
      signal.addEventListener('abort', stop, { once: true })
      this.waiting.push(entry)
      this.admit()
    })
    let left = false
    return () => {
      if (left) return
      left = true
      this.taken--
      this.admit()
    }
  }

  private admit(): void {
    while (this.taken < this.most && this.waiting.length > 0) {
      this.taken++
      this.waiting.shift()?.enter()
    }
  }
}
