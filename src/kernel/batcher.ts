interface Waiting<In, Out> {
  readonly entry: In
  readonly resolve: (out: Out) => void
  readonly reject: (error: unknown) => void
}

/**
 * Gathers entries that arrive close together into one call: at most `maxSize` at once, one call at a time,
 * each started `lingerMs` after its first entry or when the one before it ends.
 * `run` answers one result per entry, in their order; when it throws, every entry of that call fails with it.
 */
export class Batcher<In, Out> {
  private waiting: Waiting<In, Out>[] = []
  private running = false
  private timer: NodeJS.Timeout | null = null

  constructor(
    private readonly options: { maxSize: number; lingerMs: number; run: (entries: readonly In[]) => Promise<readonly Out[]> },
  ) {}

  add(entry: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ entry, resolve, reject })
      if (this.waiting.length >= this.options.maxSize) this.start()
      else this.timer ??= setTimeout(() => this.start(), this.options.lingerMs)
    })
  }

  private start(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = null
    if (this.running || this.waiting.length === 0) return
    this.running = true
    void this.runOnce().finally(() => {
      this.running = false
      this.start()
    })
  }

  private async runOnce(): Promise<void> {
    const batch = this.waiting.splice(0, this.options.maxSize)
    try {
      const results = await this.options.run(batch.map(waiting => waiting.entry))
      batch.forEach((waiting, index) => {
        waiting.resolve(results[index] as Out)
      })
    } catch (error) {
      for (const waiting of batch) waiting.reject(error)
    }
  }
}
