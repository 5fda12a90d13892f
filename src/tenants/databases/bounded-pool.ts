import type { MysqlPool, MysqlPoolConnection } from 'kysely'
import type { Pool, PoolConnection } from 'mysql2'
import { Failure } from '../../kernel/errors.js'
import type { ConnectionBound } from './driver.js'

/** How long a statement waits in a process that has no connection at all. */
const PATIENCE_MS = 10_000
/** How long one that is urgent waits for the only connection, before it gets one beside the bound. */
const URGENT_PATIENCE_MS = 5_000

type Callback = (error: unknown, connection: MysqlPoolConnection) => void

interface Waiter {
  readonly callback: Callback
  timer: NodeJS.Timeout | null
}

/**
 * Connections of a pool of mysql2, which makes and ends them, and may make one more than the bound; its bound may change while it is used: statements beyond it wait, first come first served, and connections
 * beyond it are closed as soon as nobody uses them. With a bound of 0 statements wait for some seconds, and are UNAVAILABLE then.
 */
export class BoundedPool implements MysqlPool, ConnectionBound {
  /**
   * Connections of the same bound for what others rely on being done in time: before all others, and, from the first one on, the last of several is kept for these.
   * One that finds the only connection busy for some seconds gets another beside it, which is closed again.
   */
  readonly urgent: MysqlPool = {
    getConnection: callback => this.waitUrgently(callback),
    end: callback => callback(undefined),
  }
  private readonly waiting: Waiter[] = []
  private readonly waitingUrgently: Waiter[] = []
  private keepsOne = false
  /** The one used last is last. */
  private readonly idle: PoolConnection[] = []
  private readonly gone = new WeakSet<PoolConnection>()
  private readonly lent = new WeakMap<PoolConnection, MysqlPoolConnection>()
  private readonly urgentOnes = new WeakSet<PoolConnection>()
  private inUse = 0
  private inUrgentUse = 0
  private most: number

  constructor(
    private readonly pool: Pool,
    private readonly options: {
      readonly connections: number
      readonly host: string
      readonly patienceMs?: number
      readonly urgentPatienceMs?: number
    },
  ) {
    this.most = options.connections
  }

  get open(): number {
    return this.inUse + this.idle.length
  }

  get limit(): number {
    return this.most
  }

  bound(connections: number): void {
    this.most = Math.min(connections, this.options.connections)
    while (this.open > this.most) {
      const connection = this.idle.shift()
      if (connection === undefined) break
      connection.destroy()
    }
    for (const waiter of this.waiting) {
      if (this.most === 0) this.losePatience(waiter)
      else calm(waiter)
    }
    this.admit()
  }

  getConnection(callback: Callback): void {
    const waiter: Waiter = { callback, timer: null }
    this.waiting.push(waiter)
    if (this.most === 0) this.losePatience(waiter)
    this.admit()
  }

  end(callback: (error: unknown) => void): void {
    const waiting = [...this.waitingUrgently.splice(0), ...this.waiting.splice(0)]
    for (const waiter of waiting) this.refuse(waiter, new Error('Pool is closed.'))
    this.pool.end(callback)
  }

  private waitUrgently(callback: Callback): void {
    this.keepsOne = true
    const waiter: Waiter = { callback, timer: null }
    this.waitingUrgently.push(waiter)
    this.admit()
    if (!this.waitingUrgently.includes(waiter)) return
    waiter.timer = setTimeout(() => {
      this.waitingUrgently.splice(this.waitingUrgently.indexOf(waiter), 1)
      this.lend(waiter, true)
    }, this.options.urgentPatienceMs ?? URGENT_PATIENCE_MS)
  }

  private admit(): void {
    while (this.inUse < this.most) {
      const urgent = this.waitingUrgently.shift()
      const waiter = urgent ?? (this.hasRoom() ? this.waiting.shift() : undefined)
      if (waiter === undefined) return
      this.lend(waiter, urgent !== undefined)
    }
  }

  /** Whether one more that is not urgent leaves the last of several connections alone. */
  private hasRoom(): boolean {
    return this.inUse - this.inUrgentUse < (this.keepsOne ? Math.max(1, this.most - 1) : this.most)
  }

  private lend(waiter: Waiter, isUrgent: boolean): void {
    calm(waiter)
    this.inUse++
    if (isUrgent) this.inUrgentUse++
    const hand = (connection: PoolConnection) => {
      if (isUrgent) this.urgentOnes.add(connection)
      waiter.callback(null, this.facadeOf(connection))
    }
    const idle = this.idle.pop()
    if (idle !== undefined) {
      hand(idle)
      return
    }
    this.pool.getConnection((error, connection) => {
      if (error !== null && error !== undefined) {
        this.inUse--
        if (isUrgent) this.inUrgentUse--
        waiter.callback(error, connection as never)
        this.admit()
        return
      }
      hand(connection)
    })
  }

  private facadeOf(connection: PoolConnection): MysqlPoolConnection {
    const known = this.lent.get(connection)
    if (known !== undefined) return known
    const leave = () => {
      const place = this.idle.indexOf(connection)
      if (place >= 0) this.idle.splice(place, 1)
      this.gone.add(connection)
    }
    connection.once('end', leave)
    connection.once('error', leave)
    const facade: MysqlPoolConnection = {
      query: connection.query.bind(connection) as MysqlPoolConnection['query'],
      release: () => this.takeBack(connection),
    }
    this.lent.set(connection, facade)
    return facade
  }

  private takeBack(connection: PoolConnection): void {
    this.inUse--
    if (this.urgentOnes.delete(connection)) this.inUrgentUse--
    if (this.gone.has(connection) || this.open >= this.most) connection.destroy()
    else this.idle.push(connection)
    this.admit()
  }

  private losePatience(waiter: Waiter): void {
    waiter.timer ??= setTimeout(() => {
      const place = this.waiting.indexOf(waiter)
      if (place < 0) return
      this.waiting.splice(place, 1)
      const hint = 'feedctl host list; fewer processes, or feedctl host set NAME --connections N'
      const words = `all connections to ${this.options.host} belong to other processes`
      this.refuse(waiter, new Failure('UNAVAILABLE', words, { hint }))
    }, this.options.patienceMs ?? PATIENCE_MS)
  }

  private refuse(waiter: Waiter, error: Error): void {
    calm(waiter)
    waiter.callback(error, undefined as never)
  }
}

function calm(waiter: Waiter): void {
  if (waiter.timer !== null) clearTimeout(waiter.timer)
  waiter.timer = null
}
