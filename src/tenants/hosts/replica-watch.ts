import { sql } from 'kysely'
import { type Clock, steady } from '../../kernel/clock.js'
import { Failure } from '../../kernel/errors.js'
import type { DatabaseServer } from '../databases/index.js'
import type { DatabaseName } from '../ids.js'
import { type GtidKind, hasExecuted } from './gtid.js'

/** Looks whose position the replica has not reached; beyond them none is added until it has. */
const PENDING_AT_MOST = 600

interface Look {
  /** By the steady clock, before the primary was asked. */
  readonly begunAt: number
  /** What the primary had executed then, or a moment later. */
  readonly position: string
}

/** A host and its replica. */
export interface ReplicaPair {
  readonly primary: DatabaseServer
  readonly replica: DatabaseServer
  /** A database that both have. */
  readonly database: DatabaseName
}

/**
 * Knows up to when a replica holds what was committed on its primary. Each look asks the primary for what it has executed, and then the replica whether it has
 * got there: no clock of any server is compared, and nothing is concluded from how long something usually takes.
 */
export class ReplicaWatch {
  private kind: GtidKind | null = null
  private readonly pending: Look[] = []
  private confirmed: Look | null = null

  constructor(
    private readonly pair: ReplicaPair,
    private readonly now: Clock = steady,
  ) {}

  /** By the steady clock: all that was committed on the primary before is on the replica. Null while nothing is known. */
  get heldAt(): number | null {
    return this.confirmed?.begunAt ?? null
  }

  /** @throws {Failure} UNAVAILABLE when one of them does not answer, CONFIG_INVALID when they count no transactions; what was known stays */
  async look(): Promise<void> {
    const begunAt = this.now()
    this.kind ??= await this.kindOfPrimary()
    const position = await this.ask(
      this.pair.primary,
      this.kind === 'mariadb' ? '@@global.gtid_binlog_pos' : '@@global.gtid_executed',
    )
    if (position === '') throw new Failure('CONFIG_INVALID', 'the primary writes no binary log with GTIDs')
    if (this.pending.length < PENDING_AT_MOST) this.pending.push({ begunAt, position })
    const executed = await this.ask(
      this.pair.replica,
      this.kind === 'mariadb' ? '@@global.gtid_slave_pos' : '@@global.gtid_executed',
    )
    this.confirm(this.kind, executed)
    if (executed === '') throw new Failure('CONFIG_INVALID', 'the replica has replicated nothing by GTIDs')
  }

  private confirm(kind: GtidKind, executed: string): void {
    // It may have been built anew from an older backup.
    if (this.confirmed !== null && !hasExecuted(kind, executed, this.confirmed.position)) this.confirmed = null
    while (this.pending[0] !== undefined && hasExecuted(kind, executed, this.pending[0].position)) {
      this.confirmed = this.pending.shift() ?? null
    }
  }

  private async kindOfPrimary(): Promise<GtidKind> {
    return /mariadb/i.test(await this.ask(this.pair.primary, 'version()')) ? 'mariadb' : 'mysql'
  }

  private ask(server: DatabaseServer, expression: string): Promise<string> {
    return server.use<object, string>(this.pair.database, async ({ kysely }) => {
      const { rows } = await sql<{ said: string | null }>`select ${sql.raw(expression)} as said`.execute(kysely)
      return rows[0]?.said ?? ''
    })
  }
}
