import { type Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../../tenants/catalog.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import { IN_BUCKET_STATES } from '../bucket-rows.js'
import { LEAST_BILLED_BYTES, type Stored } from '../cost.js'
import { pagesOfTenants } from '../media-tenants.js'

/**
 * What the bucket has beside the local files of the tenants whose folders were surveyed: their files that are only in the bucket, and all that it has of
 * the other tenants, as the journals say.
 */
export async function storedElsewhere(
  catalog: Catalog,
  surveyed: ReadonlySet<number>,
  { fault, signal }: { readonly fault: (tenant: Tenant, failure: Failure) => void; readonly signal: AbortSignal },
): Promise<Stored> {
  const sum = { files: 0, bytes: 0, small: { files: 0, bytes: 0 } }
  for await (const page of pagesOfTenants(catalog, 'all')) {
    for (const tenant of page) {
      signal.throwIfAborted()
      try {
        const row = await storedOf(catalog, tenant, surveyed.has(tenant.id) ? ['deleted'] : IN_BUCKET_STATES)
        sum.files += Number(row.files)
        sum.bytes += Number(row.bytes ?? 0)
        sum.small.files += Number(row.small_files ?? 0)
        sum.small.bytes += Number(row.small_bytes ?? 0)
      } catch (error) {
        if (!isFailure(error)) throw error
        fault(tenant, error)
      }
    }
  }
  return sum
}

function storedOf(catalog: Catalog, tenant: Tenant, states: typeof IN_BUCKET_STATES) {
  return withTenant(catalog, tenant, tables =>
    tables
      .media()
      .select(eb => {
        const small = eb.case().when('bytes', '<', LEAST_BILLED_BYTES)
        return [
          eb.fn.countAll<number>().as('files'),
          eb.fn.sum<number>('bytes').as('bytes'),
          eb.fn.sum<number>(small.then(1).else(0).end()).as('small_files'),
          eb.fn.sum<number>(small.then(eb.ref('bytes')).else(0).end()).as('small_bytes'),
        ]
      })
      .where('state', 'in', states)
      .executeTakeFirstOrThrow(),
  )
}

export function together(one: Stored, other: Stored): Stored {
  return {
    files: one.files + other.files,
    bytes: one.bytes + other.bytes,
    small: { files: one.small.files + other.small.files, bytes: one.small.bytes + other.small.bytes },
  }
}
