import pLimit from 'p-limit'
import { chunksOf } from '../kernel/chunks.js'
import { type Failure, isFailure } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId, TenantSlug } from '../tenants/ids.js'
import { addDroppedEvents } from '../tenants/removal/receipts.js'
import { withTenant } from '../tenants/tables.js'
import type { Tenant } from '../tenants/tenant.js'
import { applyBatches } from './apply.js'
import { tenantsToCount } from './counted-tenants.js'
import type { EventBatch } from './event-batch.js'
import type { EventLog, TakenBatches } from './log/driver.js'

/**
 * Events in memory at once, whatever waits: some 70 MB, 150 where each is of another post. The more, the fewer times the same rows are written; on SQLite
 * others wait for the file as long as the transaction takes, up to 15 s.
 */
const EVENTS_PER_TAKE = { mysql: 500_000, sqlite: 150_000 }
/** Tenants whose transactions are under way at once: one adds up while the server writes what others came to. */
const TENANTS_AT_ONCE = 4
/** Takes that are kept until the end of a run because they cannot be put behind the others. */
const MOST_HELD = 4
/** Batches that are put behind the others between two looks at the signal. */
const BATCHES_PER_PUT = 1_000
/** Batches that are remembered as put behind the others. */
const MOST_RETURNED = 100_000

/** What counting needs. */
export interface CountingParts {
  readonly catalog: Catalog
  readonly log: Log
  readonly events: EventLog
  /** Days that single events are kept; 0 keeps none. */
  readonly rawDays: number
  /** Events of one portion, instead of as many as memory is for: fewer at a time are written more often, and keep nobody waiting. */
  readonly eventsPerTake?: number
  /** Somebody is removing tenants: that their events are dropped is told of in their receipts, and is nothing to warn of. */
  readonly isRemoval?: true
  /** Ends where only batches are left that were accepted later, epoch ms, instead of when nothing waits: others may be adding some without an end. */
  readonly acceptedBefore?: number
}

/** A tenant whose batches could not be counted: they wait. */
export interface CountFailure {
  readonly tenantId: TenantId
  readonly slug: TenantSlug
  readonly failure: Failure
}

export interface CountReport {
  readonly batches: number
  /** Batches that had been counted before, and were left out. */
  readonly repeated: number
  /** Batches of tenants that are gone. */
  readonly orphaned: number
  readonly events: number
  /** Batches that wait again; some of them may have been counted, and are left out next time. */
  readonly returned: number
  /** Of each tenant the first. */
  readonly failures: readonly CountFailure[]
}

/**
 * Counts what waits in the log, until nothing does or the signal aborts, which is no failure. Several may do it at once. Where a tenant's database fails, its
 * batches are put behind the others, and told of in the report. @throws {Failure} UNAVAILABLE when the log or the catalog is away: what was counted is counted,
 * the rest waits. `ended` is told what was done in any case, before anything is thrown.
 */
export async function countEvents(
  parts: CountingParts,
  signal: AbortSignal,
  ended: (report: CountReport) => void = () => {},
): Promise<CountReport> {
  const run = new CountingRun(parts, signal)
  try {
    while (!signal.aborted && (await run.next()));
  } finally {
    await run.end().finally(() => ended(run.report()))
  }
  if (run.bug !== null) throw run.bug
  return run.report()
}

class CountingRun {
  private readonly counts = { batches: 0, repeated: 0, orphaned: 0, events: 0 }
  private readonly failures = new Map<TenantId, CountFailure>()
  private readonly failing = new Set<TenantId>()
  /** Those that wait again, each once however often it is seen. */
  private readonly returned = new Set<string>()
  private readonly held: TakenBatches[] = []
  /** What was thrown first that is no failure: the other tenants are counted all the same. */
  bug: unknown = null

  constructor(
    private readonly parts: CountingParts,
    private readonly signal: AbortSignal,
  ) {}

  private get perTake(): number {
    return this.parts.eventsPerTake ?? EVENTS_PER_TAKE[this.parts.catalog.server.dialect]
  }

  report(): CountReport {
    return {
      ...this.counts,
      returned: this.returned.size,
      failures: [...this.failures.values()],
    }
  }

  /** Counts a portion; false when there is no more, or none that can be counted now. */
  async next(): Promise<boolean> {
    const taken = await this.parts.events.take(this.perTake)
    if (taken === null) return false
    try {
      return await this.count(taken)
    } catch (error) {
      await taken.giveBack()
      throw error
    }
  }

  async end(): Promise<void> {
    for (const taken of this.held) await taken.giveBack()
  }

  private async count(taken: TakenBatches): Promise<boolean> {
    const { acceptedBefore = Number.POSITIVE_INFINITY } = this.parts
    const isReturned = (batch: EventBatch) => this.returned.has(keyOf(batch))
    const isRound = taken.batches.every(isReturned)
    const isBehind = !isRound && taken.batches.every(batch => batch.acceptedAt >= acceptedBefore || isReturned(batch))
    const byTenant = grouped(taken.batches)
    this.parts.log.debug('counting events', { batches: taken.batches.length, tenants: byTenant.size })
    const tenants = await tenantsToCount(this.parts.catalog, [...byTenant.keys()])
    await this.drop([...byTenant].filter(([id]) => !tenants.has(id)))
    const limit = pLimit(TENANTS_AT_ONCE)
    const left = await Promise.all([...tenants].map(([id, tenant]) => limit(() => this.countOne(tenant, byTenant.get(id) ?? []))))
    const waiting = left.flat()
    for (const batch of waiting) this.returned.add(keyOf(batch))
    if (waiting.length === 0) {
      await taken.done()
      return !isBehind
    }
    await this.putBehind(taken, waiting)
    return !isRound && !isBehind && this.held.length < MOST_HELD && this.returned.size < MOST_RETURNED
  }

  /** Answers the batches that are not counted. */
  private async countOne(tenant: Tenant, batches: readonly EventBatch[]): Promise<readonly EventBatch[]> {
    // One that failed in this run is not asked again in it.
    if (this.signal.aborted || this.failing.has(tenant.id)) return batches
    const { catalog, rawDays } = this.parts
    try {
      const applied = await withTenant(catalog, tenant, tables =>
        applyBatches(tables, batches, { raw: rawDays > 0, now: Date.now() }),
      )
      this.counts.batches += applied.batches
      this.counts.repeated += applied.repeated
      this.counts.events += applied.events
      return []
    } catch (error) {
      // Gone since it was looked up.
      const [still] = await tenantsToCount(catalog, [tenant.id])
      if (still === undefined) {
        await this.drop([[tenant.id, batches]])
        return []
      }
      this.failing.add(tenant.id)
      if (!isFailure(error)) this.bug ??= error
      else if (!this.failures.has(tenant.id))
        this.failures.set(tenant.id, { tenantId: tenant.id, slug: tenant.slug, failure: error })
      return batches
    }
  }

  /** Others go first, and are not counted again with those that wait. */
  private async putBehind(taken: TakenBatches, waiting: readonly EventBatch[]): Promise<void> {
    try {
      for (const some of chunksOf(waiting, BATCHES_PER_PUT)) {
        // What is behind already is there twice then, and is counted once.
        if (this.signal.aborted) return await taken.giveBack()
        await this.parts.events.putBehind(some)
      }
    } catch (error) {
      if (!isFailure(error)) throw error
      this.held.push(taken)
      return
    }
    this.parts.log.debug('events wait behind the others', { batches: waiting.length })
    await taken.done()
  }

  /** They are told of before the log forgets them: the receipt of a tenant says how many there were, or more where this process is killed in between. */
  private async drop(orphans: readonly (readonly [id: TenantId, batches: readonly EventBatch[]])[]): Promise<void> {
    if (orphans.length === 0) return
    const batches = orphans.flatMap(([, own]) => own)
    this.counts.orphaned += batches.length
    for (const [id, own] of orphans) await addDroppedEvents(this.parts.catalog, id, eventsIn(own))
    this.parts.log[this.parts.isRemoval ? 'debug' : 'warn']('events of removed tenants are dropped', {
      tenants: orphans.length,
      batches: batches.length,
      events: eventsIn(batches),
    })
  }
}

function eventsIn(batches: readonly EventBatch[]): number {
  return batches.reduce((sum, batch) => sum + batch.events.length, 0)
}

function grouped(batches: readonly EventBatch[]): Map<TenantId, EventBatch[]> {
  const groups = new Map<TenantId, EventBatch[]>()
  for (const batch of batches) {
    const group = groups.get(batch.tenantId)
    if (group === undefined) groups.set(batch.tenantId, [batch])
    else group.push(batch)
  }
  return groups
}

function keyOf({ tenantId, id }: EventBatch): string {
  return `${tenantId} ${id}`
}
