import { Failure, isFailure } from '../../kernel/errors.js'
import type { Catalog } from '../catalog.js'
import type { ClaimedTenant, NewTenant } from '../claim.js'
import { insertRows } from '../databases/index.js'
import { DEFAULT_HOST } from '../hosts/names.js'
import { getHost } from '../hosts/rows.js'
import type { HostWanted } from '../hosts/spreading.js'
import { parseDatabaseName, parseTenantId } from '../ids.js'
import { TENANT_SCHEMA_VERSION } from '../upgrade.js'

/** Spare databases that are looked at: as many may sign up at the same moment and find another each. */
const LOOKED_AT = 20

/**
 * Writes the tenant on a spare database, which is its own from then on, under the name that it has: both or neither. Of several that race each gets another.
 * Null when no dedicated one is wanted, none is ready, or the slug is taken.
 */
export async function takeSpare(catalog: Catalog, wanted: NewTenant, holder: string): Promise<ClaimedTenant | null> {
  if (wanted.placement !== 'dedicated') return null
  const spares = await sparesFor(catalog, wanted)
  if (spares.length === 0) return null
  try {
    return await catalog.kysely.transaction().execute(async tx => {
      const now = Date.now()
      for (const spare of spares) {
        const taken = await tx
          .updateTable('placements')
          .set({ kind: 'dedicated', created_at: now })
          .where('id', '=', spare.id)
          .where('kind', '=', 'spare')
          .where('schema_version', '=', TENANT_SCHEMA_VERSION)
          .executeTakeFirst()
        if (taken.numUpdatedRows > 0n) return await settle({ ...catalog, kysely: tx }, wanted, spare, { holder, now })
      }
      return null
    })
  } catch (error) {
    if (isFailure(error, 'TENANT_EXISTS')) return null
    throw error
  }
}

type Spare = Awaited<ReturnType<typeof sparesFor>>[number]

/** Of the host that was asked for, or of those of the region that tenants go to by themselves. */
async function sparesFor(catalog: Catalog, { host = null, region = null }: HostWanted) {
  const there = host === null ? (region ?? (await getHost(catalog.kysely, DEFAULT_HOST)).region) : null
  return readySpares(catalog)
    .select(['placements.id', 'placements.database_name', 'hosts.name as host'])
    .$if(host === null, query => query.where('hosts.weight', '>', 0))
    .$if(host !== null, query => query.where('hosts.name', '=', host ?? ''))
    .$if(host === null, query => query.where('hosts.region', there === null ? 'is' : '=', there))
    .orderBy('placements.id')
    .limit(LOOKED_AT)
    .execute()
}

/** Those that a new tenant may take. A host with a bound of tenants counts them in another way. */
export function readySpares(catalog: Catalog) {
  return catalog.kysely
    .selectFrom('placements')
    .innerJoin('hosts', 'hosts.id', 'placements.host_id')
    .where('placements.kind', '=', 'spare')
    .where('placements.schema_version', '=', TENANT_SCHEMA_VERSION)
    .where('hosts.state', '=', 'open')
    .where('hosts.max_tenants', 'is', null)
}

async function settle(
  { database, kysely }: Pick<Catalog, 'database' | 'kysely'>,
  { slug, name, isCanary }: NewTenant,
  spare: Spare,
  { holder, now }: { readonly holder: string; readonly now: number },
): Promise<ClaimedTenant> {
  const row = {
    slug: slug as string,
    name,
    state: 'provisioning' as const,
    placement_id: spare.id,
    claimed_by: holder,
    claimed_at: now,
    canary: isCanary === true ? 1 : 0,
    created_at: now,
    updated_at: now,
  }
  await insertRows(database, 'tenants', [row], 'keep', kysely)
  const written = await kysely
    .selectFrom('tenants')
    .select('id')
    .where('slug', '=', slug)
    .where('claimed_by', '=', holder)
    .executeTakeFirst()
  if (written === undefined) throw new Failure('TENANT_EXISTS', `tenant ${slug} exists`)
  return {
    id: parseTenantId(written.id),
    slug,
    kind: 'dedicated',
    placementId: spare.id,
    host: spare.host,
    database: parseDatabaseName(spare.database_name),
    schemaVersion: TENANT_SCHEMA_VERSION,
    dbUser: null,
    isNew: true,
    isCrowded: false,
    wasSpare: true,
  }
}
