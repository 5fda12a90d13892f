import type { TenantTables } from './tables.js'
import type { TenantWriter } from './tenant-writer.js'

/** Never leaves this file. */
const NOTHING_DONE = new Error('rolled back: the deed had nothing to do')

/**
 * Runs the deed in one transaction under the tenant's writer lock: what it reads stays true until its end. When it answers null, nothing remains
 * of the transaction, not even the row that the lock is: a tenant that has been removed leaves none behind.
 * @throws {Failure} TENANT_MOVING, TENANT_MOVED
 */
export async function asWriter<T>(tables: TenantTables, deed: (tx: TenantWriter) => Promise<T | null>): Promise<T | null> {
  try {
    return await tables.transaction(async tx => {
      await tx.takeIds('posts', 0)
      const done = await deed(tx)
      if (done === null) throw NOTHING_DONE
      return done
    })
  } catch (error) {
    if (error === NOTHING_DONE) return null
    throw error
  }
}
