import { type Clock, steady } from '../../kernel/clock.js'
import { type Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import { rateAt, type Timetable } from '../bandwidth.js'
import { type Cost, costOf, type Prices, type Stored, timeEstimate } from '../cost.js'
import type { Bucket, LocalDisk } from '../disks/driver.js'
import { readsOf } from '../reads-of.js'
import { storedElsewhere, together } from './elsewhere.js'
import { FileReader } from './file-reader.js'
import { probe, type Samples } from './probe.js'
import { type FileFailure, Tally } from './report.js'
import { Survey, surveyTenant } from './survey.js'

export interface DryRunOptions {
  readonly tenants: AsyncIterable<Tenant> | Iterable<Tenant>
  readonly prices: Prices
  readonly concurrency: number | 'auto'
  readonly timetable: Timetable | null
  readonly signal: AbortSignal
  readonly now?: Clock
}

export interface DryRunReport {
  readonly dryRun: true
  /** `waiting`: those that the migration would upload. */
  readonly files: { readonly total: number; readonly waiting: number; readonly skipped: number; readonly failed: number }
  readonly bytes: { readonly total: number; readonly waiting: number }
  /** What the bucket has beside these local files: files that are only there, and those of other tenants. It is in the cost. */
  readonly elsewhere: { readonly files: number; readonly bytes: number }
  /** Objects below the smallest size that is billed. */
  readonly small: { readonly files: number; readonly bytes: number; readonly paddedBytes: number }
  readonly cost: Omit<Cost, 'paddedBytes'> & { readonly minimumDays: number }
  /** All reads of these tenants since counting began, as bytes by the mean size of a file, and beside what they store; null when none were. */
  readonly egress: { readonly reads: number; readonly bytes: number; readonly ratio: number } | null
  /** Null when nothing waits. `uploadMs` null: the probe could upload nothing within its time. */
  readonly estimate: { readonly uploadMs: number | null; readonly probedFiles: number; readonly concurrency: number } | null
  readonly failures: readonly FileFailure[]
  readonly durationMs: number
}

const PROBE_MS = 2_000
const AUTO_CONCURRENCY = 16

/** What the migration would do, cost and take. Writes nothing but a few objects that it removes again. */
export async function dryRun(
  disks: { readonly catalog: Catalog; readonly local: LocalDisk; readonly bucket: Bucket },
  options: DryRunOptions,
): Promise<DryRunReport> {
  const begun = steady()
  const [survey, tally] = [new Survey(), new Tally()]
  const tenants = new Set<number>()
  const samples = await surveyAll(disks, options, { survey, tally, tenants })
  const fault = ({ slug }: Tenant, failure: Failure) => tally.failed(slug, null, failure)
  const { signal } = options
  const elsewhere = await storedElsewhere(disks.catalog, tenants, { fault, signal })
  const estimate = samples === null ? null : await estimateTime(disks, options, survey, samples)
  const { paddedBytes, ...cost } = costOf(together(survey.stored, elsewhere), options.prices)
  const { files, bytes } = survey.stored
  return {
    dryRun: true,
    files: { total: files + tally.files.failed, waiting: survey.waiting.files, skipped: survey.done, failed: tally.files.failed },
    bytes: { total: bytes, waiting: survey.waiting.bytes },
    elsewhere: { files: elsewhere.files, bytes: elsewhere.bytes },
    small: { ...together(survey.stored, elsewhere).small, paddedBytes },
    cost: { ...cost, minimumDays: options.prices.wasabiMinDays },
    egress: await egressOf(disks.catalog, tenants, survey.stored),
    estimate,
    failures: tally.failures,
    durationMs: Math.round(steady() - begun),
  }
}

async function surveyAll(
  { catalog, local }: { readonly catalog: Catalog; readonly local: LocalDisk },
  { tenants, signal, now = Date.now }: DryRunOptions,
  { survey, tally, tenants: surveyed }: { readonly survey: Survey; readonly tally: Tally; readonly tenants: Set<number> },
): Promise<Samples | null> {
  let samples: Samples | null = null
  for await (const tenant of tenants) {
    surveyed.add(tenant.id)
    const fault = (name: string | null, failure: Parameters<Tally['failed']>[2]) => tally.failed(tenant.slug, name, failure)
    try {
      const files = await withTenant(catalog, tenant, tables =>
        surveyTenant(tables, survey, {
          folder: local.folder,
          tenant,
          dryRun: true,
          fault: ({ name, failure }) => fault(name, failure),
          signal,
          now,
        }),
      )
      if (samples === null && files.length > 0) samples = { tenant: tenant.id, files }
    } catch (error) {
      if (!isFailure(error) || error === signal.reason) throw error
      fault(null, error)
    }
  }
  return samples
}

async function estimateTime(
  { bucket, local }: { readonly bucket: Bucket; readonly local: LocalDisk },
  { concurrency, timetable, signal, now = Date.now }: DryRunOptions,
  survey: Survey,
  samples: Samples,
): Promise<DryRunReport['estimate']> {
  await using reader = new FileReader()
  const measured = await probe({ bucket, folder: local.folder, reader }, samples, PROBE_MS, signal)
  const inFlight = concurrency === 'auto' ? AUTO_CONCURRENCY : concurrency
  const bytesPerS = timetable === null ? null : rateAt(timetable, now())
  const ms = timeEstimate(survey.waiting, measured, { concurrency: inFlight, bytesPerS })
  return {
    uploadMs: ms === null ? null : Math.round(ms),
    probedFiles: measured.small.requests + (measured.large?.requests ?? 0),
    concurrency: inFlight,
  }
}

async function egressOf(
  catalog: Catalog,
  tenants: ReadonlySet<number>,
  { files, bytes }: Stored,
): Promise<DryRunReport['egress']> {
  const { local, wasabi } = await readsOf(catalog, tenants)
  const reads = local.reads + wasabi.reads
  if (reads === 0 || bytes === 0) return null
  const read = Math.round(reads * (bytes / files))
  return { reads, bytes: read, ratio: read / bytes }
}
