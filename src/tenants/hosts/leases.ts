import { type Kysely, sql } from 'kysely'
import { holderIsGone } from '../../kernel/holder.js'
import { BRIEFLY, retry } from '../../kernel/retry.js'
import type { CatalogSchema, ConnectionBound, HostLeasesTable } from '../databases/index.js'
import { grantOf, shareOf } from './shares.js'

export interface LeaseTimes {
  /** A process that is not heard of for so long has died, and its connections are others'. */
  readonly ttlMs: number
  readonly heartbeatMs: number
  /** How soon a process asks again that has fewer connections than its share. */
  readonly hungryMs: number
}

const LEASE_TIMES: LeaseTimes = { ttlMs: 30_000, heartbeatMs: 5_000, hungryMs: 500 }

export interface LeaseGround {
  /** Of the catalog, and urgent: a process that is busy is not a process that has died. */
  readonly kysely: Kysely<CatalogSchema>
  readonly hostId: number
  /** Names this process, and this set of connections, to the others. */
  readonly holder: string
  readonly connections: ConnectionBound
  /** Connections it may use at all: FEEDCTL_DB_POOL. */
  readonly most: number
  /** Connections it has in any case: 1 for the host of the catalog, without which nobody could ask for any; else 0. */
  readonly least: 0 | 1
  readonly times?: Partial<LeaseTimes>
}

/**
 * The connections that this process has of a host's budget, written to the catalog before they are opened, and given up there after they are closed: what all
 * processes have together is never more than the budget. Without a budget every process has its FEEDCTL_DB_POOL, and nothing is written.
 */
export class Lease {
  private readonly times: LeaseTimes
  private timer: NodeJS.Timeout | null = null
  private beating: Promise<void> | null = null
  private expiring: NodeJS.Timeout | null = null
  private isWritten = false
  private closed = false

  constructor(private readonly ground: LeaseGround) {
    this.times = { ...LEASE_TIMES, ...ground.times }
  }

  /** Whether it renews itself; not without a budget. */
  get isKept(): boolean {
    return this.isWritten || this.beating !== null
  }

  /** Resolves when the process has its first connections, or has been told that there are none now. @throws {Failure} UNAVAILABLE */
  begin(): Promise<void> {
    return this.beat()
  }

  /** Gives the connections up. The server is closed by its owner. Twice is calm. */
  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    if (this.timer !== null) clearTimeout(this.timer)
    await this.beating?.catch(() => {})
    if (this.expiring !== null) clearTimeout(this.expiring)
    const { kysely, hostId, holder } = this.ground
    if (!this.isWritten) return
    await kysely
      .deleteFrom('host_leases')
      .where('host_id', '=', hostId)
      .where('holder', '=', holder)
      .execute()
      .catch(() => {})
  }

  private beat(): Promise<void> {
    this.beating ??= this.ask().finally(() => {
      this.beating = null
    })
    return this.beating
  }

  private async ask(): Promise<void> {
    const { connections, most, least } = this.ground
    const got = await retry(() => this.renew(), BRIEFLY)
    this.isWritten = got !== null
    this.expireLater()
    if (got === null) {
      connections.bound(most)
      return
    }
    connections.bound(Math.max(least, got.granted))
    const isHungry = got.granted < got.share || connections.open > got.granted
    this.beatIn(isHungry ? this.times.hungryMs : this.times.heartbeatMs)
  }

  private beatIn(ms: number): void {
    if (this.closed) return
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.beat().catch(() => this.beatIn(this.times.hungryMs))
    }, ms).unref()
  }

  /** Whatever keeps the next beat: before others may have its connections, this process has none. */
  private expireLater(): void {
    if (this.expiring !== null) clearTimeout(this.expiring)
    if (!this.isWritten) return
    const { connections, least } = this.ground
    this.expiring = setTimeout(() => connections.bound(least), this.times.ttlMs * 0.8).unref()
  }

  /** One process at a time looks and writes. Null without a budget. */
  private renew(): Promise<{ granted: number; share: number } | null> {
    const { kysely, hostId, holder, connections, most } = this.ground
    return kysely.transaction().execute(async tx => {
      const host = await tx.selectFrom('hosts').select('max_connections').where('id', '=', hostId).forUpdate().executeTakeFirst()
      const budget = host?.max_connections ?? null
      if (budget === null) {
        await tx.deleteFrom('host_leases').where('host_id', '=', hostId).execute()
        return null
      }
      const now = await clockOf(tx)
      const leases = await tx.selectFrom('host_leases').selectAll().where('host_id', '=', hostId).execute()
      const others = leases.filter(lease => lease.holder !== holder)
      const gone = others.filter(lease => isOver(lease, now)).map(lease => lease.holder)
      if (gone.length > 0) {
        await tx.deleteFrom('host_leases').where('host_id', '=', hostId).where('holder', 'in', gone).execute()
      }
      const living = others.filter(lease => !gone.includes(lease.holder))
      const taken = living.reduce((sum, lease) => sum + lease.connections, 0)
      const asking = { budget, processes: living.length + 1, others: taken, most }
      const granted = grantOf(asking)
      // Fewer than before are told first, closed then, and given up when they are closed.
      if (granted < connections.limit) connections.bound(Math.max(this.ground.least, granted))
      const row = { connections: Math.max(granted, connections.open), expires_at: now + this.times.ttlMs }
      const renewed = await tx
        .updateTable('host_leases')
        .set(row)
        .where('host_id', '=', hostId)
        .where('holder', '=', holder)
        .executeTakeFirst()
      const isNew = !leases.some(lease => lease.holder === holder)
      if (isNew && renewed.numUpdatedRows === 0n) {
        await tx
          .insertInto('host_leases')
          .values({ host_id: hostId, holder, ...row })
          .execute()
      }
      return { granted, share: shareOf(asking) }
    })
  }
}

/** Connections of the budgets of hosts that processes have now, by host and holder. */
export async function livingLeases(
  kysely: Kysely<CatalogSchema>,
): Promise<Pick<HostLeasesTable, 'host_id' | 'holder' | 'connections'>[]> {
  const leases = await kysely.selectFrom('host_leases').selectAll().execute()
  // On SQLite there are none, and no such clock.
  const now = leases.length === 0 ? 0 : await clockOf(kysely)
  return leases.filter(lease => !isOver(lease, now))
}

/** Of a process that has not been heard of for so long, or is known to have ended. */
function isOver({ expires_at, holder }: Pick<HostLeasesTable, 'expires_at' | 'holder'>, now: number): boolean {
  return expires_at < now || holderIsGone(holder)
}

/** The machines that share a server may disagree about the time. */
async function clockOf(kysely: Kysely<CatalogSchema>): Promise<number> {
  const { rows } = await sql<{ now: number }>`select cast(unix_timestamp(now(3)) * 1000 as unsigned) as now`.execute(kysely)
  return Number(rows[0]?.now)
}
