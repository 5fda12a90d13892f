import type { Entrance, HostBudget } from './host-budget.js'
import { Slots } from './slots.js'

/** Those who want something of one host. */
interface Line {
  /** Requests of this process at once. */
  readonly slots: Slots
  /** Whoever was refused by the budget asks again here, one at a time. */
  readonly head: Slots
  readonly wakes: Set<() => void>
  members: number
}

/** What is to be sent. */
export interface Passage {
  /** Longest time it may take. */
  readonly leaseMs: number
  /** Awaited with the overall slot in hand. */
  readonly room: () => Promise<void>
}

export type Admitted = Exclude<Entrance, { kind: 'early' }>

/**
 * Bounds requests per host and overall. The overall slot is given back while the host's budget says "not yet", so that those who wait for
 * a host never hold a slot that another host could use; who has waited for it before gets the next free one.
 */
export class Admission {
  private readonly overall: Slots
  private readonly lines = new Map<string, Line>()

  constructor(
    private readonly bounds: { readonly concurrency: number; readonly perHost: number },
    private readonly budget: Pick<HostBudget, 'enter' | 'quietMs'>,
  ) {
    this.overall = new Slots(bounds.concurrency)
  }

  /** Waits until one request may be sent to the host; `leave` when it is over. Rejects with the signal's reason when it aborts. */
  async admit(host: string, passage: Passage, signal: AbortSignal): Promise<Admitted> {
    const line = this.join(host)
    const held: (() => void)[] = [() => this.part(host, line)]
    const leave = () => {
      for (const giveBack of held.splice(0).reverse()) giveBack()
    }
    try {
      held.push(await line.slots.take(signal))
      const entrance = await this.pass(host, line, passage, signal)
      if (entrance.kind === 'quiet') {
        leave()
        return entrance
      }
      held.push(entrance.leave)
      return { kind: 'entered', leave }
    } catch (error) {
      leave()
      throw error
    }
  }

  private async pass(host: string, line: Line, passage: Passage, signal: AbortSignal): Promise<Admitted> {
    if (line.head.idle) {
      const entrance = await this.ask(host, line, passage, signal, false)
      if (entrance.kind !== 'early') return entrance
    }
    const done = await line.head.take(signal)
    try {
      for (;;) {
        const entrance = await this.ask(host, line, passage, signal, true)
        if (entrance.kind !== 'early') return entrance
        await pause(line, entrance, signal)
      }
    } finally {
      done()
    }
  }

  private async ask(
    host: string,
    line: Line,
    { leaseMs, room }: Passage,
    signal: AbortSignal,
    returning: boolean,
  ): Promise<Entrance> {
    const quietMs = this.budget.quietMs(host)
    if (quietMs > 0) return { kind: 'quiet', quietMs }
    const leaveOverall = await this.overall.take(signal, returning)
    try {
      await room()
      const entrance = await this.budget.enter(host, leaseMs)
      if (entrance.kind !== 'entered') {
        leaveOverall()
        return entrance
      }
      const leave = () => {
        leaveOverall()
        entrance.leave()
        for (const wake of [...line.wakes]) wake()
      }
      return { kind: 'entered', leave }
    } catch (error) {
      leaveOverall()
      throw error
    }
  }

  private join(host: string): Line {
    const line = this.lines.get(host) ?? {
      slots: new Slots(this.bounds.perHost),
      head: new Slots(1),
      wakes: new Set<() => void>(),
      members: 0,
    }
    line.members++
    this.lines.set(host, line)
    return line
  }

  private part(host: string, line: Line): void {
    line.members--
    if (line.members === 0) this.lines.delete(host)
  }
}

/** Ends early, when every place is taken, with a request of this process to the host: its place may be the one that is waited for. */
function pause(line: Line, { retryInMs, full }: { retryInMs: number; full: boolean }, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const end = () => {
      clearTimeout(timer)
      line.wakes.delete(end)
      signal.removeEventListener('abort', end)
      if (signal.aborted) reject(signal.reason)
      else resolve()
    }
    const timer = setTimeout(end, retryInMs)
    if (full) line.wakes.add(end)
    signal.addEventListener('abort', end, { once: true })
  })
}
