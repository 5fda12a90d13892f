import type { MysqlPool, MysqlPoolConnection } from 'kysely'
import type { Pool, PoolConnection } from 'mysql2'
import { Failure } from '../../kernel/errors.js'
import type { ConnectionBound } from './driver.js'

/** How long a statement waits in a process that has no connection at all. */
const PATIENCE_MS = 10_000

type Callback = (error: unknown, connection: MysqlPoolConnection) => void

interface Waiter {
  readonly callback: Callback
  timer: NodeJS.Timeout | null
}

/**
 * Connections of a pool of mysql2, which makes and ends them; its bound may change while it is used: statements beyond it wait, first come first served, and connections beyond it are closed as soon as
 * nobody uses them. With a bound of 0 statements wait for some seconds, and are UNAVAILABLE then.
 */
export class BoundedPool implements MysqlPool, ConnectionBound {
  private readonly waiting: Waiter[] = []
  /** The one used last is last. */
  private readonly idle: PoolConnection[] = []
  private readonly gone = new WeakSet<PoolConnection>()
  private readonly lent = new WeakMap<PoolConnection, MysqlPoolConnection>()
  private inUse = 0
  private most: number

  constructor(
    private readonly pool: Pool,
    private readonly options: { readonly connections: number; readonly host: string; readonly patienceMs?: number },
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
    if (this.most === 0) for (const waiter of this.waiting) this.losePatience(waiter)
    this.admit()
  }

  getConnection(callback: Callback): void {
    const waiter: Waiter = { callback, timer: null }
    this.waiting.push(waiter)
    if (this.most === 0) this.losePatience(waiter)
    this.admit()
  }

  end(callback: (error: unknown) => void): void {
    for (const waiter of this.waiting.splice(0)) this.refuse(waiter, new Error('Pool is closed.'))
    this.pool.end(callback)
  }

  private admit(): void {
    while (this.inUse < this.most) {
      const waiter = this.waiting.shift()
      if (waiter === undefined) return
      if (waiter.timer !== null) clearTimeout(waiter.timer)
      this.lend(waiter.callback)
    }
  }

  private lend(callback: Callback): void {
    this.inUse++
    const idle = this.idle.pop()
    if (idle !== undefined) {
      callback(null, this.facadeOf(idle))
      return
    }
    this.pool.getConnection((error, connection) => {
      if (error !== null && error !== undefined) {
        this.inUse--
        callback(error, connection as never)
        this.admit()
        return
      }
      callback(null, this.facadeOf(connection))
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
    if (this.gone.has(connection) || this.open >= this.most) connection.destroy()
    else this.idle.push(connection)
    this.admit()
  }

  private losePatience(waiter: Waiter): void {
    waiter.timer ??= setTimeout(() => {
      const place = this.waiting.indexOf(waiter)
      if (place < 0) return
      this.waiting.splice(place, 1)
      const hint = 'feedctl host list; fewer processes, or feedctl host set --connections'
      const words = `all connections to ${this.options.host} belong to other processes`
      this.refuse(waiter, new Failure('UNAVAILABLE', words, { hint }))
    }, this.options.patienceMs ?? PATIENCE_MS)
  }

  private refuse(waiter: Waiter, error: Error): void {
    if (waiter.timer !== null) clearTimeout(waiter.timer)
    waiter.callback(error, undefined as never)
  }
}
