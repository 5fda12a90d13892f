import { Failure, isFailure } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import { BRIEFLY, retry } from '../kernel/retry.js'
import type { Catalog } from './catalog.js'
import { unlessLocked } from './locks.js'
import { type RemovalReceipt, type RemoveMedia, removeTenant, tenantsToRemove } from './removal.js'

export interface DueRemovals {
  readonly receipts: readonly RemovalReceipt[]
  readonly failures: readonly { readonly tenant: string; readonly code: string; readonly message: string }[]
}

/**
 * Removes every tenant whose grace is over; one's failure does not keep the others. Stops between two when the signal aborts. A tenant
 * that was resumed, or removed by someone else, meanwhile is in neither list.
 */
export async function removeDue(catalog: Catalog, removeMedia: RemoveMedia, signal: AbortSignal): Promise<DueRemovals> {
  const receipts: DueRemovals['receipts'][number][] = []
  const failures: DueRemovals['failures'][number][] = []
  for (const slug of await tenantsToRemove(catalog, Date.now())) {
    if (signal.aborted) break
    try {
      // Someone else may be removing it: then it is gone in a moment.
      const worthRetrying = (error: unknown) => isFailure(error, 'SCHEMA_MISSING')
      receipts.push(await retry(() => removeTenant(catalog, slug, removeMedia), { ...BRIEFLY, signal, worthRetrying }))
    } catch (error) {
      if (!isFailure(error)) throw error
      if (error.code === 'TENANT_NOT_FOUND' || error.code === 'TENANT_WRONG_STATE') continue
      failures.push({ tenant: slug, code: error.code, message: error.message })
    }
  }
  return { receipts, failures }
}

/**
 * The job that removes them, each with a line in the log. Does nothing while another process does it.
 * @throws {Failure} PARTIAL when some could not be removed; the signal's reason
 */
export async function removeDueTenants(catalog: Catalog, log: Log, removeMedia: RemoveMedia, signal: AbortSignal): Promise<void> {
  await unlessLocked(catalog, 'removal of deleted tenants', log, async lost => {
    const either = AbortSignal.any([signal, lost])
    const { receipts, failures } = await removeDue(catalog, removeMedia, either)
    for (const { slug, media } of receipts) log.info('removed a deleted tenant', { tenant: slug, media: media.files })
    for (const { tenant, code, message } of failures) {
      log.warn('a deleted tenant could not be removed', { tenant, code, why: message })
    }
    either.throwIfAborted()
    if (failures.length === 0) return
    const total = failures.length + receipts.length
    throw new Failure('PARTIAL', `${failures.length} of ${total} deleted tenants could not be removed`, {
      hint: 'feedctl tenant delete --due --yes',
    })
  })
}
