import { codeOf, Failure, type FailureCode, FirstBug, isFailure, wordsOf } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from './catalog.js'
import { isHostAway } from './databases/index.js'
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
  type EachTenant,
  endRemovals,
  type RemovalParts,
  type RemovalReceipt,
  removeWaiting,
} from './removal.js'
import { forgetServed, SERVED_KEPT_MS } from './served-hours.js'

/** Tenants whose jobs, events and keys are looked for together. */
const PAGE = 100
const DAY_MS = 86_400_000

export interface DueRemovals {
  readonly removed: number
  readonly failures: readonly { readonly tenant: string; readonly code: FailureCode | 'BUG'; readonly message: string }[]
}

export interface DueTerms {
  readonly parts: RemovalParts
  /** The command or job, for the receipts. */
  readonly by: string
  readonly signal: AbortSignal
  /** Told of each tenant when it is gone. */
  readonly removed?: (receipt: RemovalReceipt) => void
  /** Hears what is none of feedctl's refusals: it fails one tenant, and the others go on. */
  readonly onBug?: (error: unknown) => void
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
    for (const { slug, error } of end.failures) {
      const code = codeOf(error)
      if (code === 'BUG') terms.onBug?.(error)
      failures.push({ tenant: slug, code, message: wordsOf(error) })
    }
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE || terms.signal.aborted) return { removed, failures }
    after = last
  }
}

export interface RemovedTogether {
  readonly receipts: readonly RemovalReceipt[]
  /** Whatever was thrown for each, a bug too: it keeps no other from being removed. */
  readonly failures: readonly { readonly slug: TenantSlug; readonly error: unknown }[]
}

/** The same for some tenants, which are marked: their jobs, events and keys are looked for once. `looked`: called after each. */
export async function removeTogether(
  catalog: Catalog,
  slugs: readonly TenantSlug[],
  { looked, ...terms }: Omit<DueTerms, 'progress' | 'onBug'> & { readonly looked?: () => unknown },
): Promise<RemovedTogether> {
  const { parts, by, signal } = terms
  if (slugs.length === 0 || signal.aborted) return { receipts: [], failures: [] }
  const failed = new Map<TenantSlug, unknown>()
  const cleared: Cleared[] = []
  const away = await errorOf(signal, async () => {
    const begun = await beginRemovals(catalog, slugs, keeping(failed))
    await removeWaiting(catalog, begun, parts, by, keeping(failed))
  })
  for (const slug of slugs) {
    if (signal.aborted) break
    if (!failed.has(slug)) {
      const refused = away ?? (await errorOf(signal, async () => cleared.push(await clearOne(catalog, slug, terms))))
      // Resumed, or removed by someone else.
      const isOthers = isFailure(refused?.error, 'TENANT_NOT_FOUND') || isFailure(refused?.error, 'TENANT_WRONG_STATE')
      if (refused !== null && !isOthers) failed.set(slug, refused.error)
    }
    looked?.()
  }
  let receipts: readonly RemovalReceipt[] = []
  const unended = await errorOf(signal, async () => {
    receipts = await endRemovals(catalog, cleared, terms, keeping(failed))
  })
  if (unended !== null) for (const { tenant } of cleared) failed.set(tenant.slug, unended.error)
  for (const receipt of receipts) terms.removed?.(receipt)
  return { receipts, failures: [...failed].map(([slug, error]) => ({ slug, error })) }
}

/** Of each what was thrown. A catalog that did not answer for two in a row is not asked for the others: each would wait as long. */
function keeping(failed: Map<TenantSlug, unknown>): EachTenant {
  const silences: unknown[] = []
  return async (slug, deed) => {
    if (silences.length === 2) return failed.set(slug, silences[0])
    try {
      await deed()
      silences.length = 0
    } catch (error) {
      failed.set(slug, error)
      if (isHostAway(error)) silences.push(error)
      else silences.length = 0
    }
  }
}

/** Someone else may be removing it: then it is gone in a moment. */
function clearOne(catalog: Catalog, slug: TenantSlug, terms: DueTerms): Promise<Cleared> {
  const worthRetrying = (error: unknown) => isFailure(error, 'SCHEMA_MISSING')
  return retry(() => clearTenant(catalog, slug, terms), { ...BRIEFLY, signal: terms.signal, worthRetrying })
}

/** Null when it ended well. @throws the signal's reason, where that is no Failure */
async function errorOf(signal: AbortSignal, deed: () => Promise<unknown>): Promise<{ readonly error: unknown } | null> {
  try {
    await deed()
    return null
  } catch (error) {
    if (signal.aborted && !isFailure(error)) throw error
    return { error }
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
 * The job that removes them, each with a line in the log; then it forgets names of databases that are gone, receipts, moves and migrations that ended
 * more than `receiptDays` ago (0 keeps all), and what the API served more than 13 months ago. Does nothing while another process does it. @throws {Failure} PARTIAL when some could not be removed; the signal's reason;
 * the first bug, when all else is done
 */
export async function removeDueTenants(
  catalog: Catalog,
  log: Log,
  terms: Omit<DueTerms, 'by' | 'removed' | 'onBug'> & { readonly receiptDays: number },
): Promise<void> {
  await unlessLocked(catalog, 'removal of deleted tenants', log, async lost => {
    const signal = AbortSignal.any([terms.signal, lost])
    const told = ({ slug, id, media }: RemovalReceipt) =>
      log.info('removed a deleted tenant', { tenant: slug, id, media: media.files })
    const bug = new FirstBug()
    const { removed, failures } = await removeDue(catalog, { ...terms, by: 'schedule', signal, removed: told, onBug: bug.hear })
    for (const { tenant, code, message } of failures) {
      log.warn('a deleted tenant could not be removed', { tenant, code, why: message })
    }
    signal.throwIfAborted()
    await forgetVacated(catalog, Date.now())
    await stopKilledNamedRuns(catalog)
    if (terms.receiptDays > 0) await forgetEnded(catalog, Date.now() - terms.receiptDays * DAY_MS)
    await forgetServed(catalog, Date.now() - SERVED_KEPT_MS)
    bug.throwIfMet()
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
