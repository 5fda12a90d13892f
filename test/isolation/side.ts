import { TENANT_TABLES, type TenantSchema } from '../../src/tenants/databases/index.js'
import type { Tenant } from '../../src/tenants/tenant.js'
import type { IntakeGround } from '../media/intake/intake-ground.js'

/** A tenant that deeds are done to. `mark` is in all that is its own: what it has is told from what another has under the same names and ids. */
export interface Side {
  readonly ground: IntakeGround
  readonly tenant: Tenant
  readonly mark: string
}

/** Of times, and of what names a file of the disk, only that they are there. */
const VARYING = /(_at|At|Ms|_ms|^delete_after|^identity|^seed)$/

/** Every row of the tenant, table by table, in one order, without whose it is. */
export async function rowsOf({ ground, tenant }: Side): Promise<Record<string, string[]>> {
  const server = await ground.here.catalog.hosts.serverOf(tenant.placement.host)
  return server.use<TenantSchema, Record<string, string[]>>(tenant.placement.database, async ({ kysely }) => {
    const tables: Record<string, string[]> = {}
    const files = await kysely.selectFrom('media').select(['id', 'name']).where('tenant_id', '=', tenant.id).execute()
    const names = new Map<unknown, string>(files.map(file => [file.id, file.name]))
    for (const table of TENANT_TABLES) {
      const rows = await kysely
        .selectFrom(table as 'feeds')
        .selectAll()
        .where('tenant_id', '=', tenant.id)
        .execute()
      tables[table] = rows.map(({ tenant_id: _, ...row }) => JSON.stringify(plain(named(row, names)))).sort()
    }
    return tables
  })
}

/** Files by their names: of several that come at once the first has the first number, whichever it is. */
function named(row: object, names: ReadonlyMap<unknown, string>): object {
  if ('media_id' in row) return { ...row, media_id: names.get(row.media_id) ?? row.media_id }
  return 'name_hash' in row ? { ...row, id: null } : row
}

/** The same for two tenants to whom the same was done. */
export function plain(value: unknown, slug = ''): unknown {
  if (typeof value === 'string') return slug === '' ? value : value.replaceAll(slug, 'slug')
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Map) return plain([...value], slug)
  if (Array.isArray(value)) return value.map(each => plain(each, slug))
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? Number(value) : value
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, VARYING.test(key) && each !== null ? 'some' : plain(each, slug)]),
  )
}
