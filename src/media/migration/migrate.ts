import { setMaxListeners } from 'node:events'
import pLimit from 'p-limit'
import { type Clock, steady } from '../../kernel/clock.js'
import { type Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { Timetable } from '../bandwidth.js'
import type { Stored } from '../cost.js'
import type { Bucket, LocalDisk } from '../disks/driver.js'
import type { MediaKey } from '../names.js'
import { Pace, type PaceChange, paceWords } from '../pace.js'
import { carryingMedia } from '../tenant-lock.js'
import { Throttle } from '../throttle.js'
import { confirmUploads } from './confirm.js'
import { Dispatcher } from './dispatcher.js'
import { storedElsewhere, together } from './elsewhere.js'
import { FileReader, HOLD_BYTES } from './file-reader.js'
import { TenantJournal } from './journal.js'
import { Lane } from './lane.js'
import { BucketLost } from './lost.js'
import { Outage } from './outage.js'
import { LARGE_AT_ONCE, type MigrationParts } from './parts.js'
import { type MigrationReport, type PaceReason, Tally } from './report.js'
import { countRows } from './rows.js'
import { ChangingSlots } from './slots.js'
import { Survey, surveyTenant } from './survey.js'
import { beginGrace, switchOver } from './switch-over.js'

/** Tenants whose files are carried in turns; others begin when one ends. */
const TENANTS_AT_ONCE = 32
const SURVEYS_AT_ONCE = 4
/** A file that changes, or is not in the bucket afterwards, is carried so often. */
const ROUNDS = 3
const AUTO = { start: 8, min: 1, max: 64 }
const PATIENCE_MS = 300_000
const NOTES_EVERY_MS = 5_000
/** No object has this name. */
const ASKED = '0/.feedctl-probe' as MediaKey
const UNFINISHED = ['seen', 'hashed', 'uploading', 'uploaded', 'verified'] as const

export interface MigrateOptions {
  readonly tenants: AsyncIterable<Tenant> | Iterable<Tenant>
  readonly concurrency: number | 'auto'
  readonly timetable: Timetable | null
  /** How long local copies stay after the switch; null keeps them. */
  readonly graceMs: number | null
  /** Told, before anything is uploaded, all that the bucket will have, of other tenants too; throws to refuse. Null: it is not even counted. */
  readonly consent: ((stored: Stored) => void) | null
  /** Ends the run after what is in flight, which gets `drainMs`. */
  readonly signal: AbortSignal
  readonly drainMs: number
  readonly note: (line: string) => void
  readonly progress: (
    files: number,
    total: number,
    facts: { readonly bytes: number; readonly failed: number; readonly inFlight: number },
  ) => void
  readonly patienceMs?: number
  readonly now?: Clock
}

export interface MigrationEnd {
  readonly report: MigrationReport
  /** What ended the run before it was through; null when nothing did. */
  readonly stopped: unknown
  /** `failed`: those whose journal or folder could not be used; `failure`: the first one's. */
  readonly tenants: { readonly total: number; readonly failed: number; readonly failure: Failure | null }
}

/** Carries the local files of tenants to the bucket. What it rejects with was thrown before anything was uploaded. */
export async function migrate(
  disks: { readonly catalog: Catalog; readonly local: LocalDisk; readonly bucket: Bucket },
  options: MigrateOptions,
): Promise<MigrationEnd> {
  const run = new MigrationRun(disks.catalog, disks.local, disks.bucket, options)
  return run.run()
}

class MigrationRun {
  private readonly begun = steady()
  private readonly tally = new Tally()
  private readonly stopping = new AbortController()
  private readonly cutting = new AbortController()
  private readonly pace: Pace
  private readonly slots: ChangingSlots
  private readonly now: Clock
  private readonly surveyed = new Set<number>()
  private notedAt = Number.NEGATIVE_INFINITY
  private readonly tenants = { total: 0, failed: 0, failure: null as Failure | null }

  constructor(
    private readonly catalog: Catalog,
    private readonly local: LocalDisk,
    private readonly bucket: Bucket,
    private readonly options: MigrateOptions,
  ) {
    this.now = options.now ?? Date.now
    const { concurrency } = options
    this.pace = new Pace(concurrency === 'auto' ? AUTO : { start: concurrency, min: concurrency, max: concurrency }, this.begun)
    this.slots = new ChangingSlots(this.pace.limit)
  }

  async run(): Promise<MigrationEnd> {
    const { signal, drainMs, timetable, note, patienceMs = PATIENCE_MS } = this.options
    const stop = () => this.stop(signal.reason)
    signal.throwIfAborted()
    signal.addEventListener('abort', stop, { once: true })
    // One signal stops hundreds: that many listeners are no leak.
    setMaxListeners(0, this.stopping.signal, this.cutting.signal)
    const start = this.slots.limit
    await using reader = new FileReader()
    const parts: MigrationParts = {
      bucket: this.bucket,
      folder: this.local.folder,
      reader,
      slots: this.slots,
      large: new ChangingSlots(LARGE_AT_ONCE),
      outage: new Outage({ patienceMs, note, ask: () => this.bucket.stat(ASKED, this.cutting.signal) }),
      throttle: timetable === null ? null : new Throttle(timetable),
      tally: this.tally,
      stop: this.stopping.signal,
      cut: this.cutting.signal,
      now: this.now,
    }
    const unwatch = this.bucket.watch(outcome => {
      if (outcome.kind === 'ok') parts.outage.heard()
      // Of what was kept to a rate while it was sent, the time says nothing.
      const waited = outcome.bytes > HOLD_BYTES && (parts.throttle?.rate ?? null) !== null
      if (outcome.kind !== 'ok' || !waited) this.adapt(outcome)
    })
    let timer: NodeJS.Timeout | undefined
    this.stopping.signal.addEventListener('abort', () => {
      timer = setTimeout(() => this.cutting.abort(this.stopping.signal.reason), drainMs)
    })
    try {
      const tenants = await this.survey(this.stopping.signal)
      await this.carryAll(parts, tenants)
    } finally {
      signal.removeEventListener('abort', stop)
      clearTimeout(timer)
      unwatch()
    }
    const { aborted, reason } = this.stopping.signal
    return { report: this.report(start), stopped: aborted ? reason : null, tenants: this.tenants }
  }

  private stop(reason: unknown): void {
    this.stopping.abort(reason)
  }

  private adapt(outcome: Parameters<Parameters<Bucket['watch']>[0]>[0]): void {
    const now = steady()
    if (!this.pace.note(outcome, now)) return
    this.slots.limit = this.pace.limit
    const change = this.pace.changes.at(-1) as PaceChange
    if (change.to >= change.from || now - this.notedAt < NOTES_EVERY_MS) return
    this.notedAt = now
    this.options.note(`slower: ${paceWords(change)} requests in flight`)
  }

  /** Takes the inventory of all, then asks for consent. Answers those with something to do. */
  private async survey(signal: AbortSignal): Promise<Tenant[]> {
    const survey = new Survey()
    const limit = pLimit(SURVEYS_AT_ONCE)
    const found: Promise<Tenant | null>[] = []
    for await (const tenant of this.options.tenants) {
      this.tenants.total++
      this.surveyed.add(tenant.id)
      found.push(limit(() => this.surveyOne(survey, tenant, signal)))
    }
    const tenants = (await Promise.all(found)).filter(tenant => tenant !== null)
    this.tally.files.skipped = survey.done
    this.tally.files.total += survey.stored.files
    this.tally.ignored = survey.ignored
    if (!signal.aborted) await this.consent(survey.stored, signal)
    return tenants
  }

  private async consent(local: Stored, signal: AbortSignal): Promise<void> {
    const { consent, note } = this.options
    if (consent === null) return
    const fault = ({ slug }: Tenant, { message }: Failure) => note(`what the bucket has of ${slug} is not counted: ${message}`)
    consent(together(local, await storedElsewhere(this.catalog, this.surveyed, { fault, signal })))
  }

  private async surveyOne(survey: Survey, tenant: Tenant, signal: AbortSignal): Promise<Tenant | null> {
    const { tally, now, options } = this
    const fault = (name: string, failure: Failure) => {
      tally.files.total++
      tally.failed(tenant.slug, name, failure)
    }
    try {
      return await withTenant(this.catalog, tenant, async tables => {
        await surveyTenant(tables, survey, {
          folder: this.local.folder,
          tenant,
          dryRun: false,
          fault: ({ name, failure }) => fault(name, failure),
          signal,
          now,
        })
        const states = options.graceMs === null ? UNFINISHED : ([...UNFINISHED, 'switched'] as const)
        return (await countRows(tables, states)) > 0 ? tenant : null
      })
    } catch (error) {
      this.tenantFailed(tenant, error)
      return null
    }
  }

  private async carryAll(parts: MigrationParts, tenants: readonly Tenant[]): Promise<void> {
    const { files, uploaded } = this.tally
    const left = files.total - files.skipped - files.failed
    const progress = () =>
      this.options.progress(uploaded.files, left, { bytes: uploaded.bytes, failed: files.failed, inFlight: this.slots.limit })
    const dispatcher = new Dispatcher(parts, error => this.stop(error), progress)
    const limit = pLimit(TENANTS_AT_ONCE)
    await Promise.all(tenants.map(tenant => limit(() => this.carryTenant(parts, tenant, dispatcher))))
  }

  private async carryTenant(parts: MigrationParts, tenant: Tenant, dispatcher: Dispatcher): Promise<void> {
    if (parts.stop.aborted) return
    try {
      await carryingMedia(this.catalog, tenant.id, left =>
        withTenant(this.catalog, tenant, tables => {
          const stop = AbortSignal.any([parts.stop, left])
          return this.carryRounds(parts, tenant, new TenantJournal(tables, this.now), { stop, dispatcher })
        }),
      )
    } catch (error) {
      if (error !== parts.stop.reason) this.tenantFailed(tenant, error)
    }
  }

  /** `stop`: the tenant's own. */
  private async carryRounds(
    parts: MigrationParts,
    tenant: Tenant,
    journal: TenantJournal,
    { stop, dispatcher }: { readonly stop: AbortSignal; readonly dispatcher: Dispatcher },
  ): Promise<void> {
    for (let round = 1, again = true; again && round <= ROUNDS; round++) {
      await this.carryOnce(stop, new Lane(tenant, journal, lane => dispatcher.add(lane), round === 1))
      if (stop.aborted) return
      const missing = await confirmUploads(parts, tenant, journal, round === ROUNDS)
      again = (await switchOver(parts, tenant, journal, round === ROUNDS)) || missing
    }
    const { graceMs } = this.options
    if (graceMs !== null) await beginGrace(journal, this.now() + graceMs)
  }

  private async carryOnce(stop: AbortSignal, lane: Lane): Promise<void> {
    const end = () => lane.stop()
    stop.addEventListener('abort', end, { once: true })
    try {
      await lane.run()
    } finally {
      stop.removeEventListener('abort', end)
    }
  }

  /** A tenant whose journal or folder cannot be used; anything else ends the run. */
  private tenantFailed(tenant: Tenant, error: unknown): void {
    if (error === this.options.signal.reason) return
    if (!isFailure(error)) throw error
    if (error instanceof BucketLost || error.code === 'BUCKET_NOT_FOUND') this.stop(error)
    else {
      this.tally.failed(tenant.slug, null, error)
      this.tenants.failed++
      this.tenants.failure ??= error
    }
  }

  private reasonOf({ at, ...change }: PaceChange): PaceReason {
    return { afterMs: Math.round(at - this.begun), ...change }
  }

  private report(start: number): MigrationReport {
    const { files, bytes, failures, ignored } = this.tally
    files.total = Math.max(files.total - files.vanished, files.migrated + files.skipped + files.failed)
    return {
      files,
      bytes,
      failures,
      ignored,
      concurrency: { start, end: this.slots.limit, reasons: this.pace.changes.map(change => this.reasonOf(change)) },
      durationMs: Math.round(steady() - this.begun),
    }
  }
}
