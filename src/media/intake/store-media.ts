import pLimit from 'p-limit'
import { isFailure, wordsOf } from '../../kernel/errors.js'
import { isHeldOff } from '../../tenants/admission.js'
import type { TenantId } from '../../tenants/ids.js'
import { unlessLocked } from '../../tenants/locks.js'
import { withTenant } from '../../tenants/tables.js'
import { findTenant, tenantOf, tenantRows } from '../../tenants/tenant.js'
import type { MediaKey } from '../names.js'
import { mediaPolicyOf, wantsNothing } from '../policy.js'
import { tenantMediaLock, unlessRemoved } from '../tenant-lock.js'
import { countersOf } from './counters.js'
import { fetchAndStore, type Taker } from './fetch-and-store.js'
import { type DueLink, dueLinks, noteLinks, storedLately } from './links.js'
import type { IntakeParts } from './parts.js'
import { settle, type Tried } from './settle.js'

/** URLs of one job: those of other tenants that wait come in between. */
const URLS_PER_JOB = 64
/** Downloads of one tenant at the same time. */
const AT_ONCE = 8
/** Shares of a job's time: after the first no URL is begun, at the second what is under way ends, so that its outcome can be written. */
const BEGUN_WITHIN = 0.5
const ENDED_WITHIN = 0.9

/**
 * The job `StoreTenantMedia`: notes what the tenant's new posts name, and stores the next of it that is due; then `again` when something is left. Calm about a
 * tenant that is gone, not active, paused or held off by a move, whose policy wants nothing, or whose media is in other hands at the moment. Killed at any point, the next job goes on.
 * @throws {Failure} those of the disks, when nothing can be stored; UNAVAILABLE; the signal's reason
 */
export async function storeTenantMedia(
  parts: IntakeParts,
  id: TenantId,
  { signal, again }: { readonly signal: AbortSignal; readonly again: () => Promise<unknown> },
): Promise<void> {
  const row = await tenantRows(parts.catalog).where('tenants.id', '=', id).executeTakeFirst()
  if (row === undefined || row.state !== 'active' || row.paused_at !== null || row.move_id !== null) return
  const tenant = tenantOf(row)
  const policy = mediaPolicyOf(parts.settings, tenant)
  if (wantsNothing(policy)) return
  let isMore = false
  try {
    await unlessLocked(parts.catalog, tenantMediaLock(id), parts.log, lost =>
      unlessRemoved(parts.catalog, id, async removed => {
        const failed = new AbortController()
        const either = AbortSignal.any([signal, lost, removed, failed.signal])
        const onTables: Taker['onTables'] = deed => withTenant(parts.catalog, tenant, deed, either)
        isMore = await storeSome({ parts, tenant, policy, signal: either, onTables }, failed)
      }),
    )
  } catch (error) {
    // Suspended, removed or held off by a move meanwhile: nothing of it is to be stored now.
    const left =
      isHeldOff(error) || (isFailure(error) && !signal.aborted && (await findTenant(parts.catalog, id))?.state !== 'active')
    if (!left) throw error
  }
  if (isMore) await again()
}

/** Answers whether something is left that can be done now. */
async function storeSome(taker: Taker, failed: AbortController): Promise<boolean> {
  const startedAt = performance.now()
  const { onTables, policy, parts } = taker
  for (let waiting = 0; waiting < URLS_PER_JOB; ) {
    const noted = await onTables(tables => noteLinks(tables, policy))
    if (noted === null || !noted.more) break
    waiting += noted.waiting
  }
  const due = await onTables(tables => dueLinks(tables, URLS_PER_JOB, Date.now()))
  const limit = pLimit(AT_ONCE)
  const urls = grouped(due)
  const spentMs = () => performance.now() - startedAt
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), parts.jobTimeoutMs * ENDED_WITHIN - spentMs())
  const takeNext = async (links: readonly DueLink[]) => {
    if (spentMs() < parts.jobTimeoutMs * BEGUN_WITHIN) await takeOrStop(taker, links, failed, late.signal)
  }
  const ends = await Promise.allSettled([...urls.values()].map(links => limit(() => takeNext(links))))
  clearTimeout(timer)
  const fault = ends.find(end => end.status === 'rejected')
  if (fault !== undefined) throw failed.signal.aborted ? failed.signal.reason : fault.reason
  return onTables(async tables => {
    const { next, cursor } = await countersOf(tables)
    return (cursor !== null && cursor < next) || (await dueLinks(tables, 1, Date.now())).length > 0
  })
}

/** What keeps one from being stored keeps the others too. */
async function takeOrStop(taker: Taker, links: readonly DueLink[], failed: AbortController, late: AbortSignal): Promise<void> {
  try {
    taker.signal.throwIfAborted()
    await take(taker, links, late)
  } catch (error) {
    if (!taker.signal.aborted) failed.abort(error)
    throw error
  }
}

/** The one place where the outcome of a URL is written. */
async function take(taker: Taker, links: readonly DueLink[], late: AbortSignal): Promise<void> {
  const { onTables } = taker
  const [{ url, url_hash } = { url: '', url_hash: '' }] = links
  const mediaId = await onTables(tables => storedLately(tables, url_hash, Date.now()))
  const tried: Tried = mediaId === null ? await fetchInTime(taker, url, late) : { kind: 'stored', mediaId }
  let isKept = false
  try {
    isKept = await onTables(tables => settle(tables, links, tried, Date.now()))
  } catch (error) {
    // The tenant is being removed, and its tables went first.
    if (!isFailure(error, 'SCHEMA_MISSING') && !(await isRemoved(taker, error))) throw error
  }
  if (!isKept && tried.kind === 'put') await takeBack(taker, tried.key)
}

/** What takes longer than its job has failed: left without an outcome, it would be the first of the next job, and so for ever. */
async function fetchInTime(taker: Taker, url: string, late: AbortSignal): Promise<Tried> {
  try {
    return await fetchAndStore({ ...taker, signal: AbortSignal.any([taker.signal, late]) }, url)
  } catch (error) {
    if (!late.aborted || taker.signal.aborted) throw error
    return { kind: 'failed', code: 'MEDIA_TIMEOUT', message: 'it did not come within the time of a job', retryAfterS: null }
  }
}

/** Not one that has moved: where it lives now a row may name the bytes. */
async function isRemoved({ parts, tenant }: Taker, error: unknown): Promise<boolean> {
  if (!isFailure(error, 'TENANT_MOVED')) return false
  const now = await findTenant(parts.catalog, tenant.id)
  return now === null || now.state === 'deleting'
}

/** The tenant went while its media came: nothing else would remove the bytes. */
async function takeBack({ parts, tenant, signal }: Taker, key: MediaKey): Promise<void> {
  await parts.disks.target.remove([key], signal).catch(error => {
    parts.log.warn('a file of a tenant that is gone stays on its disk', { tenant: tenant.id, key, why: wordsOf(error) })
  })
}

function grouped(links: readonly DueLink[]): Map<string, DueLink[]> {
  const groups = new Map<string, DueLink[]>()
  for (const link of links) groups.set(link.url_hash, [...(groups.get(link.url_hash) ?? []), link])
  return groups
}
