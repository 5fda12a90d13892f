import { steady } from '../kernel/clock.js'
import { wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId } from '../tenants/ids.js'
import type { Disk } from './disks/driver.js'

const FLUSH_EVERY_MS = 5_000
/** Between two warnings that the counts cannot be written. */
const WARN_EVERY_MS = 60_000

interface Count {
  readonly tenantId: TenantId
  readonly disk: Disk['name']
  reads: number
  /** Epoch ms of the newest. */
  lastAt: number
}

/**
 * Counts reads of media by tenant and disk, and adds them to the catalog's `media_reads` every few seconds: two statements at most for each tenant
 * and disk. What cannot be written is kept, and written later; a process that is killed loses the last seconds.
 */
export class ReadCounts {
  private counts = new Map<string, Count>()
  private readonly timer: NodeJS.Timeout
  private flushing: Promise<void> = Promise.resolve()
  private warnedAt = Number.NEGATIVE_INFINITY

  constructor(
    private readonly catalog: Catalog,
    private readonly log: Log,
    everyMs = FLUSH_EVERY_MS,
  ) {
    this.timer = setInterval(() => void this.flush(), everyMs).unref()
  }

  count(tenantId: TenantId, disk: Disk['name'], at: number = Date.now()): void {
    const key = `${tenantId} ${disk}`
    const count = this.counts.get(key)
    if (count === undefined) this.counts.set(key, { tenantId, disk, reads: 1, lastAt: at })
    else {
      count.reads++
      count.lastAt = Math.max(count.lastAt, at)
    }
  }

  /** Writes what was counted so far; never rejects. */
  flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write())
    return this.flushing
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    await this.flush()
  }

  private async write(): Promise<void> {
    const counts = [...this.counts.values()]
    this.counts = new Map()
    for (const [index, count] of counts.entries()) {
      try {
        await add(this.catalog, count)
      } catch (error) {
        for (const lost of counts.slice(index)) this.putBack(lost)
        return this.warn(error)
      }
    }
  }

  private putBack({ tenantId, disk, reads, lastAt }: Count): void {
    this.count(tenantId, disk, lastAt)
    const count = this.counts.get(`${tenantId} ${disk}`)
    if (count !== undefined) count.reads += reads - 1
  }

  private warn(error: unknown): void {
    if (steady() - this.warnedAt < WARN_EVERY_MS) return
    this.warnedAt = steady()
    this.log.warn('reads of media are counted, but not yet written', { why: wordsOf(error) })
  }
}

async function add(catalog: Catalog, count: Count): Promise<void> {
  if (await increase(catalog, count)) return
  await begin(catalog, count)
  await increase(catalog, count)
}

async function increase({ kysely }: Catalog, { tenantId, disk, reads, lastAt }: Count): Promise<boolean> {
  const changed = await kysely
    .updateTable('media_reads')
    .set(eb => ({
      reads: eb('reads', '+', reads),
      last_at: eb.case().when('last_at', '>', lastAt).then(eb.ref('last_at')).else(lastAt).end(),
    }))
    .where('tenant_id', '=', tenantId)
    .where('disk', '=', disk)
    .executeTakeFirst()
  return changed.numUpdatedRows > 0n
}

/** A row of no reads, unless there is one; nothing of a tenant that is removed, or about to be. */
async function begin({ kysely, database }: Catalog, { tenantId, disk, lastAt }: Count): Promise<void> {
  const insert = kysely
    .insertInto('media_reads')
    .columns(['tenant_id', 'disk', 'reads', 'last_at'])
    .expression(eb =>
      eb
        .selectFrom('tenants')
        .select(({ val }) => ['tenants.id', val(disk).as('disk'), val(0).as('reads'), val(lastAt).as('last_at')])
        .where('tenants.id', '=', tenantId)
        .where('tenants.state', '<>', 'deleting'),
    )
  await (database.dialect === 'sqlite' ? insert.orIgnore() : insert.ignore()).execute()
}
