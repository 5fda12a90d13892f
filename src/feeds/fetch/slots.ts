import { setMaxListeners } from 'node:events'

interface Waiting {
  readonly enter: () => void
}

/** Lets at most `size` in at once, first come first served. */
export class Slots {
  private taken = 0
  private readonly queue = new Set<Waiting>()

  constructor(private readonly size: number) {}

  get idle(): boolean {
    return this.taken === 0 && this.queue.size === 0
  }

  /** Resolves with the function that gives the slot back. Rejects with the signal's reason when it aborts first. */
  async take(signal: AbortSignal): Promise<() => void> {
    // One signal stops thousands: that many listeners are no leak.
    setMaxListeners(0, signal)
    signal.throwIfAborted()
    if (this.taken < this.size) this.taken++
    else await this.wait(signal)
    let held = true
    return () => {
      if (held) this.giveBack()
      held = false
    }
  }

  private wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.queue.delete(waiting)
        reject(signal.reason)
      }
      const waiting = {
        enter: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      this.queue.add(waiting)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** The slot passes to the next in line without ever being free, so nobody can overtake. */
  private giveBack(): void {
    const [next] = this.queue
    if (next === undefined) this.taken--
    else {
      this.queue.delete(next)
      next.enter()
    }
  }
}

/**
 * Bounds requests per host and overall. The host's slot is taken first, so that those who wait for a slow host
 * do not hold a slot that another host could use.
 */
export class HostSlots {
  private readonly overall: Slots
  private readonly hosts = new Map<string, Slots>()

  constructor(
    concurrency: number,
    private readonly perHost: number,
  ) {
    this.overall = new Slots(concurrency)
  }

  /** Resolves with the function that gives both slots back. Rejects with the signal's reason when it aborts first. */
  async take(host: string, signal: AbortSignal): Promise<() => void> {
    const slots = this.hosts.get(host) ?? new Slots(this.perHost)
    this.hosts.set(host, slots)
    const given: (() => void)[] = []
    const leave = () => {
      for (const giveBack of given.splice(0).reverse()) giveBack()
      if (slots.idle && this.hosts.get(host) === slots) this.hosts.delete(host)
    }
    try {
      given.push(await slots.take(signal))
      given.push(await this.overall.take(signal))
      return leave
    } catch (error) {
      leave()
      throw error
    }
  }
}
