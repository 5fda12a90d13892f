interface Waiting {
  readonly alone: boolean
  readonly go: () => void
}

/**
 * Whether a job is run alone, as the one that its workers may have died of. A single death may have been anybody's, of a machine that lost its power
 * say, and is no reason to let others wait; but no job is condemned before it was run alone, unless one death is enough.
 */
export function isSuspect(deaths: number, quarantineAfter: number): boolean {
  return deaths >= 2 || (deaths === 1 && quarantineAfter <= 2)
}

/** Lets many jobs run beside each other, or one alone; in the order they come. */
export class Turnstile {
  private running = 0
  private isAlone = false
  private readonly waiting: Waiting[] = []

  /** Resolves when it is the job's turn; the answer is called when it has ended. @throws the signal's reason, when it aborts before */
  async enter(alone: boolean, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.waiting.splice(this.waiting.indexOf(entry), 1)
        reject(signal.reason)
        this.admit()
      }
      const go = () => {
        signal.removeEventListener('abort', stop)
        resolve()
      }
      const entry: Waiting = { alone, go }
      signal.addEventListener('abort', stop, { once: true })
      this.waiting.push(entry)
      this.admit()
    })
    // Those before it that were told to stop made way for it.
    if (signal.aborted) this.leave()
    signal.throwIfAborted()
    return () => this.leave()
  }

  private leave(): void {
    this.running--
    this.isAlone = false
    this.admit()
  }

  private admit(): void {
    for (let [next] = this.waiting; next !== undefined; [next] = this.waiting) {
      if (this.isAlone || (next.alone && this.running > 0)) return
      this.waiting.shift()
      this.running++
      this.isAlone = next.alone
      next.go()
    }
  }
}
