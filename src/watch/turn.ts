import { type Clock, steady } from '../kernel/clock.js'
import { newHolder } from '../kernel/holder.js'
import type { Catalog } from '../tenants/catalog.js'
import { insertRows } from '../tenants/databases/index.js'
import { judgeLock } from '../tenants/locks.js'

/** The turn of whoever tells of alerts. */
export const ALERTS_TURN = 'alerts'
export const TURN_TTL_MS = 60_000
/** A holder that does not renew its turn for so long, while another watches, has died, whatever the clocks say. */
const UNMOVED_MS = 45_000

/**
 * Of all who want it, exactly one has the turn: a row of `locks` that whoever has it renews by taking it again, at least every 15 s. It goes to
 * another when its holder releases it, has ended (same machine), or does not renew it any more, to whoever takes it next.
 */
export class Turn {
  private readonly holder = newHolder()
  /** The row of another, since when it has been as it is; null when that does not matter. */
  private watched: { readonly holder: string; readonly expires_at: number; readonly since: number } | null = null

  constructor(
    private readonly catalog: Catalog,
    private readonly name: string,
    private readonly now: Clock,
    private readonly elapsed: Clock = steady,
  ) {}

  /** Whether this one has it now. */
  async take(): Promise<boolean> {
    const { kysely, database } = this.catalog
    const now = this.now()
    const mine = { name: this.name, holder: this.holder, acquired_at: now, expires_at: now + TURN_TTL_MS }
    const renewed = await kysely
      .updateTable('locks')
      .set({ expires_at: mine.expires_at })
      .where('name', '=', this.name)
      .where('holder', '=', this.holder)
      .executeTakeFirst()
    if (renewed.numUpdatedRows > 0n) return true
    await insertRows(database, 'locks', [mine], 'keep')
    const lock = await kysely.selectFrom('locks').selectAll().where('name', '=', this.name).executeTakeFirst()
    if (lock === undefined || lock.holder === this.holder) return lock !== undefined
    if (!this.isFree(lock, now)) return false
    const taken = await kysely
      .updateTable('locks')
      .set(mine)
      .where('name', '=', this.name)
      .where('holder', '=', lock.holder)
      .where('expires_at', '=', lock.expires_at)
      .executeTakeFirst()
    return taken.numUpdatedRows > 0n
  }

  async release(): Promise<void> {
    await this.catalog.kysely.deleteFrom('locks').where('name', '=', this.name).where('holder', '=', this.holder).execute()
  }

  private isFree(lock: { readonly holder: string; readonly expires_at: number }, now: number): boolean {
    const verdict = judgeLock(lock, now, TURN_TTL_MS)
    if (verdict !== 'doubtful') return verdict === 'free'
    const watched = this.watched
    const elapsed = this.elapsed()
    if (watched?.holder === lock.holder && watched.expires_at === lock.expires_at) return elapsed - watched.since >= UNMOVED_MS
    this.watched = { holder: lock.holder, expires_at: lock.expires_at, since: elapsed }
    return false
  }
}
