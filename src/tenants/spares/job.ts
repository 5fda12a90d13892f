import { isFailure } from '../../kernel/errors.js'
import type { Log } from '../../kernel/log.js'
import type { Catalog } from '../catalog.js'
import { keepSpares, refuseFailedSpares } from './keep.js'

/** The job that makes what was taken. Does nothing while another process does it. @throws {Failure} UNAVAILABLE, HOST_FULL; PARTIAL when some could not be made; the signal's reason */
export async function keepSparesJob(
  catalog: Catalog,
  log: Log,
  { prefix, wanted }: { readonly prefix: string; readonly wanted: number },
  signal: AbortSignal,
): Promise<void> {
  if (wanted === 0) return
  try {
    const filling = await keepSpares(catalog, prefix, wanted, { signal })
    const { made, ready } = filling
    if (made > 0) log.info('spare databases were made', { made, ready })
    refuseFailedSpares(filling)
  } catch (error) {
    if (!isFailure(error, 'LOCKED')) throw error
    log.info('left to the process that does it already', { deed: 'spare databases', why: error.message })
  }
}
