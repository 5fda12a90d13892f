import { type Clock, steady } from '../../kernel/clock.js'
import { Failure } from '../../kernel/errors.js'
import type { TenantId } from '../../tenants/ids.js'
import type { Backlog } from './driver.js'

const COUNTS_MS = 1_000
/** How long a tenant is held after batches of it were put behind others. Whatever counts tries again more often. */
export const HELD_MS = 30 * 60_000
const NOBODY: ReadonlySet<TenantId> = new Set()

/** What is looked at. */
export interface Gauged {
  backlog(): Promise<Pick<Backlog, 'bytes'>>
  /** Tenants whose batches cannot be counted for now, and stay: they were put behind others lately. */
  held(): Promise<ReadonlySet<TenantId>>
}

/**
 * Keeps more from being accepted than may wait: judged from a reading that is no older than a second, and from what was let in since. Of tenants that are held
 * half as much may wait, so that they do not keep the others out.
 */
export class Gauge {
  private bytes = 0
  private held = NOBODY
  private readAt = Number.NEGATIVE_INFINITY
  private reading: Promise<void> | null = null

  constructor(
    private readonly gauged: Gauged,
    private readonly maxBytes: number,
    private readonly now: Clock = steady,
  ) {}

  /** @throws {Failure} EVENTS_BEHIND, and what the reading throws */
  async admit(tenantId: TenantId, bytes: number): Promise<void> {
    if (this.now() - this.readAt >= COUNTS_MS) {
      this.reading ??= this.look().finally(() => {
        this.reading = null
      })
      await this.reading
    }
    if (this.bytes >= this.maxBytes) {
      const waiting = Math.round(this.bytes / 1024 / 1024)
      throw new Failure('EVENTS_BEHIND', `${waiting} MiB of events wait to be counted`, {
        hint: 'look whether workers count (feedctl queue status), or raise FEEDCTL_ANALYTICS_BACKLOG_MB',
      })
    }
    if (this.isHalfFull && this.held.has(tenantId))
      throw new Failure('EVENTS_BEHIND', 'events of this tenant cannot be counted now, and enough of such wait', {
        hint: 'feedctl doctor; feedctl analytics flush counts them when its database is mended',
      })
    this.bytes += bytes
  }

  private get isHalfFull(): boolean {
    return this.bytes >= this.maxBytes / 2
  }

  private async look(): Promise<void> {
    this.bytes = (await this.gauged.backlog()).bytes
    this.held = this.isHalfFull ? await this.gauged.held() : NOBODY
    this.readAt = this.now()
  }
}
