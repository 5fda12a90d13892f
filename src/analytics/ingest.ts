import { steady } from '../kernel/clock.js'
import { isFailure } from '../kernel/errors.js'
import { shortHash } from '../kernel/hash.js'
import { retry } from '../kernel/retry.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantId, TenantSlug } from '../tenants/ids.js'
import { Gathering, Unreadable } from './event.js'
import type { EventBatch } from './event-batch.js'
import { MOST_NAMED } from './intake.js'
import { type LineTenant, LineTenants } from './line-tenants.js'
import type { EventLog } from './log/driver.js'
import { type Window, windowsOf } from './windows.js'

/** Lines of a tenant, of which the good ones are one batch. */
const LINES_PER_BATCH = 5_000
const BYTE_ORDER_MARK = 0xfeff
const FIRST_SIZE = 64
/** Stands for `null`. */
const NOTHING = new Unreadable('it is no object')
/** Batches that are being kept while others are read. */
const MOST_ON_THEIR_WAY = 8
/** How long nothing can be kept before it is given up. */
const PATIENCE_MS = 60_000
const PAUSES = { tries: Number.POSITIVE_INFINITY, firstMs: 50, maxMs: 1_000 } as const

export interface IngestParts {
  readonly catalog: Catalog
  readonly events: EventLog
  /** Whether fields that feedctl does not know are kept. */
  readonly keepsExtras: boolean
  /** Told when a batch was accepted. */
  readonly wake: () => void
}

export interface IngestOptions {
  /** Whose all events are; null where each line names its `tenant`. */
  readonly tenant: TenantSlug | null
  /** Batches of the same bytes at the same place with the same prefix have the same ids, whichever of their lines are good by now, and count once. */
  readonly batchPrefix: string
  /** Nothing more is read once it aborts. */
  readonly signal: AbortSignal
  /** Told after each piece, lines so far. */
  readonly progress: (lines: number) => void
}

/** A line, from 1, and why it was not taken. */
export interface RefusedLine {
  readonly line: number
  readonly message: string
}

export interface IngestReport {
  /** Lines that are not blank, and what became of them. */
  readonly events: { readonly read: number; readonly accepted: number; readonly refused: number }
  readonly batches: number
  /** Whose events were accepted. */
  readonly tenants: ReadonlySet<TenantId>
  /** The first hundred; of lines of the same unknown tenant the first only. */
  readonly refusals: readonly RefusedLine[]
  /** Not so when the signal aborted before the end. */
  readonly complete: boolean
}

/**
 * Takes in NDJSON, a window of lines at a time, each good event for its tenant; waits where the log is behind. @throws {Failure} FILE_UNREADABLE, and what the
 * log throws when it takes nothing for a minute: what was accepted by then stays
 */
export async function ingest(
  parts: IngestParts,
  source: AsyncIterable<Uint8Array>,
  options: IngestOptions,
): Promise<IngestReport> {
  const run = new IngestRun(parts, options)
  try {
    for await (const window of windowsOf(source)) {
      await run.take(window)
      if (options.signal.aborted) break
    }
  } catch (error) {
    if (!options.signal.aborted) throw error
  }
  await run.settle(options.signal)
  return run.report(!options.signal.aborted)
}

/** What a window has of one tenant. */
interface Share {
  readonly tenantId: TenantId
  readonly windowId: string
  /** Of its batches: of so many lines each, good or not, since which of them are good depends on the time as well. */
  number: number
  /** Since the last batch. */
  lines: number
  gathering: Gathering
}

class IngestRun {
  private lines = 0
  private readonly counts = { read: 0, accepted: 0, refused: 0 }
  private batches = 0
  private readonly refusals: RefusedLine[] = []
  private readonly accepting = new Set<TenantId>()
  private readonly onTheirWay = new Set<Promise<void>>()
  private fault: unknown = null
  private keptAt = Number.NEGATIVE_INFINITY
  private readonly tenants: LineTenants

  constructor(
    private readonly parts: IngestParts,
    private readonly options: IngestOptions,
  ) {
    this.tenants = new LineTenants(parts.catalog, options.tenant)
  }

  report(complete: boolean): IngestReport {
    const { counts, refusals } = this
    return { events: { ...counts }, batches: this.batches, tenants: this.accepting, refusals, complete }
  }

  async take({ offset, bytes }: Window): Promise<void> {
    const windowId = shortHash(`${this.options.batchPrefix} ${offset} ${shortHash(bytes)}`)
    const shares = new Map<TenantId, Share>()
    const now = Date.now()
    const text = bytes.toString()
    for (let from = offset === 0 && text.charCodeAt(0) === BYTE_ORDER_MARK ? 1 : 0; from < text.length; ) {
      const found = text.indexOf('\n', from)
      const end = found < 0 ? text.length : found
      const event = this.next(text.slice(from, end))
      from = end + 1
      if (event === null) continue
      // Awaited only where nobody knows yet: there are hundreds of thousands in a second.
      const tenant = this.tenants.known(event) ?? (await this.tenants.look(event))
      const share = tenant.id === null ? null : this.shareOf(shares, tenant.id, windowId)
      const refusal = share === null ? tenant.refusal : share.gathering.add(event, now)
      if (refusal !== null) this.refuse(refusal, tenant)
      if (share !== null && ++share.lines === LINES_PER_BATCH) await this.sendShare(share, now)
    }
    for (const share of shares.values()) await this.sendShare(share, now)
    this.options.progress(this.lines)
  }

  /** @throws what kept a batch from being kept, unless that is the signal */
  async settle(signal: AbortSignal): Promise<void> {
    await Promise.all(this.onTheirWay)
    if (this.fault !== null && !signal.aborted) throw this.fault
  }

  /** The event on the line as it came out of JSON; null where it is blank. */
  private next(line: string): unknown {
    this.lines++
    if (line.trim() === '') return null
    this.counts.read++
    try {
      // A line that says null is no event, but it is a line.
      return JSON.parse(line) ?? NOTHING
    } catch {
      return new Unreadable('it is no JSON')
    }
  }

  private shareOf(shares: Map<TenantId, Share>, tenantId: TenantId, windowId: string): Share {
    const known = shares.get(tenantId)
    if (known !== undefined) return known
    const share = { tenantId, windowId, number: 0, lines: 0, gathering: this.gatheringFor(tenantId) }
    shares.set(tenantId, share)
    return share
  }

  private gatheringFor(tenantId: TenantId): Gathering {
    return new Gathering({ tenantId, size: FIRST_SIZE, keepsExtras: this.parts.keepsExtras })
  }

  private async sendShare(share: Share, acceptedAt: number): Promise<void> {
    const { tenantId, windowId, number, gathering } = share
    share.number++
    share.lines = 0
    share.gathering = this.gatheringFor(tenantId)
    if (gathering.length > 0) await this.send({ tenantId, id: `${windowId}.${number}`, acceptedAt, events: gathering.columns() })
  }

  private refuse(message: string, tenant: LineTenant): void {
    this.counts.refused++
    if (tenant.isTold || this.refusals.length >= MOST_NAMED) return
    this.refusals.push({ line: this.lines, message })
    tenant.isTold = tenant.id === null && tenant.slug !== null
  }

  /** Returns when another one may be sent. @throws what kept an earlier one from being kept */
  private async send(batch: EventBatch): Promise<void> {
    while (this.onTheirWay.size >= MOST_ON_THEIR_WAY) await Promise.race(this.onTheirWay)
    if (this.fault !== null) throw this.fault
    const kept = this.keep(batch)
      .catch(error => {
        this.fault ??= error
      })
      .finally(() => this.onTheirWay.delete(kept))
    this.onTheirWay.add(kept)
  }

  private async keep(batch: EventBatch): Promise<void> {
    const { events, wake } = this.parts
    const begunAt = steady()
    // Where lines come slowly, nothing was kept for long because there was nothing to keep.
    const inVainMs = () => steady() - Math.max(begunAt, this.keptAt)
    const worthRetrying = (error: unknown) => isFailure(error) && error.retry && inVainMs() < PATIENCE_MS
    await retry(() => events.append(batch), { ...PAUSES, signal: this.options.signal, worthRetrying })
    this.keptAt = steady()
    this.batches++
    this.counts.accepted += batch.events.length
    this.accepting.add(batch.tenantId)
    wake()
  }
}
