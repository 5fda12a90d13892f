import { setMaxListeners } from 'node:events'

interface Waiting {
  readonly enter: () => void
}

/** Lets at most `size` in at once, first come first served; those who return after they were in go before the others. */
export class Slots {
  private taken = 0
  private readonly queue = new Set<Waiting>()
  private readonly returning = new Set<Waiting>()

  constructor(private readonly size: number) {}

  get idle(): boolean {
    return this.taken === 0 && this.queue.size === 0 && this.returning.size === 0
  }

  /** Resolves with the function that gives the slot back. Rejects with the signal's reason when it aborts first. */
  async take(signal: AbortSignal, returns = false): Promise<() => void> {
    // One signal stops thousands: that many listeners are no leak.
    setMaxListeners(0, signal)
    signal.throwIfAborted()
    if (this.taken < this.size) this.taken++
    else await this.wait(returns ? this.returning : this.queue, signal)
    let held = true
    return () => {
      if (held) this.giveBack()
      held = false
    }
  }

  private wait(queue: Set<Waiting>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        queue.delete(waiting)
        reject(signal.reason)
      }
      const waiting = {
        enter: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      queue.add(waiting)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** The slot passes to the next in line without ever being free, so nobody can overtake. */
  private giveBack(): void {
    const queue = this.returning.size > 0 ? this.returning : this.queue
    const [next] = queue
    if (next === undefined) this.taken--
    else {
      queue.delete(next)
      next.enter()
    }
  }
}
