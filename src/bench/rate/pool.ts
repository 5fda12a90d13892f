import type { ReadAnswer } from '../api/answer-reader.js'
import { openAll } from '../api/closed-loop.js'
import { Connection, type Target } from '../api/connection.js'

/** Servers close connections that nothing was asked over for some seconds: what was sent at that moment may be sent again. */
const IDLE_MS = 1_000

export interface PoolEvents {
  onAnswer(connection: Connection, answer: ReadAnswer): void
  /** It is gone, and what it was asked for is not answered. `mayRepeat`: it was closed for having been idle, before anything came. */
  onLost(connection: Connection, why: string, mayRepeat: boolean): void
  /** One is free again, or new. */
  onFree(): void
  /** One more could not be opened. */
  onRefused(why: string): void
  /** Something came that nobody had asked for, over one that is gone now. */
  onStray(why: string): void
  wantsBody(connection: Connection): boolean
}

/** Keep-alive connections to one server, as a client keeps them: those the server closes while they are idle are opened again when they are needed. */
export class Pool {
  private readonly idle: Connection[] = []
  private readonly busy = new Map<Connection, { readonly wasIdle: boolean }>()
  private readonly freeSince = new Map<Connection, number>()
  private opening = 0
  private isOver = false
  reopened = 0

  constructor(
    private readonly target: Target,
    private readonly most: number,
    private readonly events: PoolEvents,
  ) {}

  /** @throws {NoConnection} */
  async open(): Promise<void> {
    for (const connection of await openAll(this.most, this.target, this.connectionEvents())) this.free(connection)
  }

  /** One that is free, the last used first; null when there is none, and then `wanted` more are opened, as far as there may be. */
  take(wanted: number): Connection | null {
    let connection = this.idle.pop()
    // One that was closed while the others were still being opened.
    while (connection?.isOpen === false) connection = this.idle.pop()
    if (connection === undefined) {
      while (this.opening < wanted && this.busy.size + this.opening < this.most) this.openOne()
      return null
    }
    const wasIdle = performance.now() - (this.freeSince.get(connection) ?? 0) > IDLE_MS
    this.freeSince.delete(connection)
    this.busy.set(connection, { wasIdle })
    return connection
  }

  /** Those that wait for an answer. */
  underWay(): Iterable<Connection> {
    return this.busy.keys()
  }

  close(): void {
    this.isOver = true
    for (const connection of [...this.idle, ...this.busy.keys()]) connection.close()
  }

  private connectionEvents() {
    return {
      onAnswer: (connection: Connection, answer: ReadAnswer) => {
        this.busy.delete(connection)
        this.events.onAnswer(connection, answer)
        if (answer.isLast) connection.close()
        else this.free(connection)
        this.events.onFree()
      },
      onLost: (connection: Connection, why: string) => this.lose(connection, why),
      wantsBody: (connection: Connection) => this.events.wantsBody(connection),
    }
  }

  private free(connection: Connection): void {
    this.freeSince.set(connection, performance.now())
    this.idle.push(connection)
  }

  private lose(connection: Connection, why: string): void {
    const known = this.busy.get(connection)
    this.busy.delete(connection)
    this.freeSince.delete(connection)
    const at = this.idle.indexOf(connection)
    if (at >= 0) this.idle.splice(at, 1)
    if (this.isOver) return
    if (known !== undefined) this.events.onLost(connection, why, known.wasIdle && !connection.hasBegun && !connection.isStray)
    else if (connection.isStray) this.events.onStray(why)
  }

  private openOne(): void {
    this.opening += 1
    Connection.open(this.target, this.connectionEvents()).then(
      connection => {
        this.opening -= 1
        this.reopened += 1
        if (this.isOver) return connection.close()
        this.free(connection)
        this.events.onFree()
      },
      (error: Error) => {
        this.opening -= 1
        if (!this.isOver) this.events.onRefused(error.message)
      },
    )
  }
}
