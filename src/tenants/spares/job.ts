import { isFailure } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import type { Catalog } from '../catalog.js'
import { logFailed, refuseFailed } from './failures.js'
import { keepSpares } from './keep.js'

/**
 * The job that makes what was taken, with a line in the log for each that fails. Does nothing while another process does it, or no host is for them.
 * @throws {Failure} PARTIAL when some could not be made; UNAVAILABLE; the signal's reason
 */
export async function keepSparesJob(
  catalog: Catalog,
  log: Log,
  { prefix, wanted }: { readonly prefix: string; readonly wanted: number },
  signal: AbortSignal,
): Promise<void> {
  if (wanted === 0) return
  try {
    const { made, ready, failures } = await keepSpares(catalog, prefix, wanted, { signal })
    if (made > 0) log.info('spare databases were made', { made, ready })
    logFailed(log, failures)
    refuseFailed(failures, 'made')
  } catch (error) {
    if (isFailure(error, 'HOST_FULL')) return log.warn('no spare databases are made', { why: error.message })
    if (!isFailure(error, 'LOCKED')) throw error
    log.info('left to the process that does it already', { deed: 'spare databases', why: error.message })
  }
}
