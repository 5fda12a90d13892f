/** Does many deeds, a bounded number at a time. The first that fails fails the whole: no other is begun then. */
export class Crew {
  private readonly busy = new Set<Promise<void>>()
  private failure: { readonly error: unknown } | null = null

  constructor(private readonly atOnce: number) {}

  /** Begins the deed, and returns when there is room for another. @throws what a deed before it threw */
  async do(deed: () => Promise<void>): Promise<void> {
    this.throwIfFailed()
    const work = deed()
      .catch(error => {
        this.failure ??= { error }
      })
      .finally(() => this.busy.delete(work))
    this.busy.add(work)
    while (this.busy.size >= this.atOnce) await Promise.race(this.busy)
    this.throwIfFailed()
  }

  /** Returns when all deeds have ended. @throws what the first that failed threw */
  async end(): Promise<void> {
    await Promise.all(this.busy)
    this.throwIfFailed()
  }

  /** Returns when all deeds have ended, however they did. */
  async settled(): Promise<void> {
    await Promise.all(this.busy)
  }

  private throwIfFailed(): void {
    if (this.failure !== null) throw this.failure.error
  }
}
