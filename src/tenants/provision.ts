import { Failure } from '../kernel/errors.js'
import { newHolder } from '../kernel/holder.js'
import { Bulk, type BulkOptions, type BulkReport } from './bulk-creation.js'
import type { Catalog } from './catalog.js'
import { claimTenants, type NewTenant } from './claim.js'
import { activate } from './end-claim.js'
import type { TenantSlug } from './ids.js'
import { type Furnish, prepare } from './making.js'
import { takeSpare } from './spares/take.js'
import { getTenant, type Tenant } from './tenant.js'
import { newToken, tokenHash } from './tokens.js'

/** Tenants that are written to the catalog together, opened together, and between which a stop takes hold. */
const SHARED_AT_ONCE = 1_000
const MADE_AT_ONCE = 100

/**
 * Creates a tenant: row, database (or one of the spare ones), schema, furniture, token, in that order; it is `active` only when all is done. Killed at any
 * point, it stays `provisioning` and the same call finishes it. Of several that race exactly one succeeds.
 * @throws {Failure} TENANT_EXISTS, DATABASE_TAKEN; the data that is there stays as it is
 */
export async function createTenant<T>(
  catalog: Catalog,
  prefix: string,
  wanted: NewTenant,
  furnish: Furnish<T>,
): Promise<{ tenant: Tenant; token: string; furnished: T }> {
  const holder = newHolder()
  const claimed = (await takeSpare(catalog, wanted, holder)) ?? (await claimTenants(catalog, prefix, [wanted], holder))[0]
  if (claimed === undefined) throw await existsFailure(catalog, wanted.slug)
  const token = newToken()
  const furnished = await prepare(catalog, claimed, holder, furnish)
  if ((await activate(catalog, [claimed], holder, tokenHash(token))) === 0) throw await existsFailure(catalog, wanted.slug)
  return { tenant: await getTenant(catalog, wanted.slug), token, furnished }
}

/**
 * Creates many tenants, without tokens, holding a few hundred of them in memory; one's failure does not stop the others. Those that exist are counted and left
 * alone. When the signal aborts, what was begun is ended and no more is begun; then its reason is thrown.
 */
export async function createTenants<Wanted extends NewTenant>(
  catalog: Catalog,
  prefix: string,
  wanted: Iterable<Wanted> | AsyncIterable<Wanted>,
  options: BulkOptions<Wanted>,
): Promise<BulkReport> {
  const bulk = new Bulk(catalog, prefix, options)
  try {
    for await (const chunk of chunksOf(wanted, options.furnish === undefined)) {
      options.signal?.throwIfAborted()
      await bulk.begin(chunk)
    }
    await bulk.end()
  } finally {
    await bulk.stopped()
  }
  return bulk.report()
}

/** Pieces of one kind of placement; those that need nothing but rows come in large ones. */
async function* chunksOf<Wanted extends NewTenant>(
  wanted: Iterable<Wanted> | AsyncIterable<Wanted>,
  isBare: boolean,
): AsyncGenerator<readonly Wanted[]> {
  let chunk: Wanted[] = []
  for await (const tenant of wanted) {
    const { placement } = chunk[0] ?? tenant
    const most = placement === 'shared' && isBare ? SHARED_AT_ONCE : MADE_AT_ONCE
    if (chunk.length === most || tenant.placement !== placement) {
      yield chunk
      chunk = []
    }
    chunk.push(tenant)
  }
  if (chunk.length > 0) yield chunk
}

async function existsFailure(catalog: Catalog, slug: TenantSlug): Promise<Failure> {
  const tenant = await getTenant(catalog, slug)
  const what = tenant.state === 'provisioning' ? 'is being created by another process' : `exists (${tenant.state})`
  return new Failure('TENANT_EXISTS', `tenant ${slug} ${what}`, { hint: `feedctl tenant show ${slug}` })
}
