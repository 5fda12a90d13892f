import { Failure, isFailure } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from './catalog.js'
import type { TenantSlug } from './ids.js'
import { unlessLocked } from './locks.js'
import { forgetRuns, stopKilledNamedRuns } from './migrating/ledger.js'
import { forgetMoves } from './moving/ledger.js'
import { forgetReceipts } from './removal/receipts.js'
import { forgetVacated } from './removal/vacated.js'
import {
  beginRemovals,
  type Cleared,
  clearTenant,
  endRemovals,
  type RemovalParts,
  type RemovalReceipt,
  removeWaiting,
} from './removal.js'

/** Tenants whose jobs, events and keys are looked for together. */
const PAGE = 100
const DAY_MS = 86_400_000

export interface DueRemovals {
  readonly removed: number
  readonly failures: readonly { readonly tenant: string; readonly code: string; readonly message: string }[]
}

export interface DueTerms {
  readonly parts: RemovalParts
  /** The command or job, for the receipts. */
  readonly by: string
  readonly signal: AbortSignal
  /** Told of each tenant when it is gone. */
  readonly removed?: (receipt: RemovalReceipt) => void
  /** Told how many tenants there are, and how many were looked at. */
  readonly progress?: { begun(total: number): void; done(done: number): void }
}

/**
 * Removes every tenant whose grace is over; one's failure does not keep the others. Stops between two when the signal aborts. A tenant
 * that was resumed, or removed by someone else, meanwhile is not counted.
 */
export async function removeDue(catalog: Catalog, terms: DueTerms): Promise<DueRemovals> {
  const now = Date.now()
  terms.progress?.begun(await countDue(catalog, now))
  const failures: DueRemovals['failures'][number][] = []
  let removed = 0
  let done = 0
  for (let after = ''; ; ) {
    const page = await dueAfter(catalog, now, after)
    const end = await removeTogether(catalog, page, { ...terms, looked: () => terms.progress?.done(++done) })
    removed += end.receipts.length
    failures.push(...end.failures.map(({ slug, failure: { code, message } }) => ({ tenant: slug, code, message })))
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE || terms.signal.aborted) return { removed, failures }
    after = last
  }
}

export interface RemovedTogether {
  readonly receipts: readonly RemovalReceipt[]
  readonly failures: readonly { readonly slug: TenantSlug; readonly failure: Failure }[]
}

/** The same for some tenants, which are marked: their jobs, events and keys are looked for once. `looked`: called after each. */
export async function removeTogether(
  catalog: Catalog,
  slugs: readonly TenantSlug[],
  { looked, ...terms }: Omit<DueTerms, 'progress'> & { readonly looked?: () => unknown },
): Promise<RemovedTogether> {
  const { parts, by, signal } = terms
  if (slugs.length === 0 || signal.aborted) return { receipts: [], failures: [] }
  const failures: RemovedTogether['failures'][number][] = []
  const cleared: Cleared[] = []
  const away = await failureOf(async () => removeWaiting(catalog, await beginRemovals(catalog, slugs), parts, by))
  for (const slug of slugs) {
    if (signal.aborted) break
    const failure = away ?? (await failureOf(async () => cleared.push(await clearOne(catalog, slug, terms))))
    // Resumed, or removed by someone else.
    const isOthers = failure?.code === 'TENANT_NOT_FOUND' || failure?.code === 'TENANT_WRONG_STATE'
    if (failure !== null && !isOthers) failures.push({ slug, failure })
    looked?.()
  }
  let receipts: readonly RemovalReceipt[] = []
  const failure = await failureOf(async () => {
    receipts = await endRemovals(catalog, cleared, terms)
  })
  if (failure !== null) failures.push(...cleared.map(({ tenant: { slug } }) => ({ slug, failure })))
  for (const receipt of receipts) terms.removed?.(receipt)
  return { receipts, failures }
}

/** Someone else may be removing it: then it is gone in a moment. */
function clearOne(catalog: Catalog, slug: TenantSlug, terms: DueTerms): Promise<Cleared> {
  const worthRetrying = (error: unknown) => isFailure(error, 'SCHEMA_MISSING')
  return retry(() => clearTenant(catalog, slug, terms), { ...BRIEFLY, signal: terms.signal, worthRetrying })
}

async function failureOf(deed: () => Promise<unknown>): Promise<Failure | null> {
  try {
    await deed()
    return null
  } catch (error) {
    if (isFailure(error)) return error
    throw error
  }
}

async function dueAfter(catalog: Catalog, now: number, after: string): Promise<TenantSlug[]> {
  const rows = await due(catalog, now).select('slug').where('slug', '>', after).orderBy('slug').limit(PAGE).execute()
  return rows.map(row => row.slug as TenantSlug)
}

async function countDue(catalog: Catalog, now: number): Promise<number> {
  const row = await due(catalog, now)
    .select(eb => eb.fn.countAll<number>().as('tenants'))
    .executeTakeFirstOrThrow()
  return Number(row.tenants)
}

function due({ kysely }: Catalog, now: number) {
  return kysely.selectFrom('tenants').where('state', '=', 'deleting').where('delete_after', '<=', now)
}

/**
 * The job that removes them, each with a line in the log; then it forgets names of databases that are gone, and receipts, moves and migrations that ended
 * more than `receiptDays` ago (0 keeps all). Does nothing while another process does it. @throws {Failure} PARTIAL when some could not be removed; the signal's reason
 */
export async function removeDueTenants(
  catalog: Catalog,
  log: Log,
  terms: Omit<DueTerms, 'by' | 'removed'> & { readonly receiptDays: number },
): Promise<void> {
  await unlessLocked(catalog, 'removal of deleted tenants', log, async lost => {
    const signal = AbortSignal.any([terms.signal, lost])
    const told = ({ slug, id, media }: RemovalReceipt) =>
      log.info('removed a deleted tenant', { tenant: slug, id, media: media.files })
    const { removed, failures } = await removeDue(catalog, { ...terms, by: 'schedule', signal, removed: told })
    for (const { tenant, code, message } of failures) {
      log.warn('a deleted tenant could not be removed', { tenant, code, why: message })
    }
    signal.throwIfAborted()
    await forgetVacated(catalog, Date.now())
    await stopKilledNamedRuns(catalog)
    if (terms.receiptDays > 0) await forgetEnded(catalog, Date.now() - terms.receiptDays * DAY_MS)
    if (failures.length === 0) return
    const total = failures.length + removed
    throw new Failure('PARTIAL', `${failures.length} of ${total} deleted tenants could not be removed`, {
      hint: 'feedctl tenant delete --due --yes',
    })
  })
}

async function forgetEnded(catalog: Catalog, before: number): Promise<void> {
  await forgetReceipts(catalog, before)
  await forgetMoves(catalog, before)
  await forgetRuns(catalog, before)
}
