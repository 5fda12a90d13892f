import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Failure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import { contentAgeMs, contentColumns } from './content-version.js'
import type { TenantSlug } from './ids.js'
import { getTenant, type Tenant, tenantOf, tenantRows } from './tenant.js'

/** A new API token, 43 random characters behind a prefix that secret scanners can find. Only its hash is ever stored. */
export function newToken(): string {
  return `fct_${randomBytes(32).toString('base64url')}`
}

/** SHA-256, hex: enough for a secret of 256 random bits, and cheap to look up. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/**
 * Replaces the tenant's token; the old one ends at once, and within about a second where it was in use.
 * @throws {Failure} TENANT_NOT_FOUND; TENANT_WRONG_STATE of one that is being created, whose token is yet to come
 */
export async function rotateToken(catalog: Catalog, slug: TenantSlug): Promise<string> {
  const token = newToken()
  const changed = await catalog.kysely
    .updateTable('tenants')
    .set({ token_hash: tokenHash(token), updated_at: Date.now(), ...contentColumns(catalog) })
    .where('slug', '=', slug)
    .where('state', '<>', 'provisioning')
    .executeTakeFirst()
  if (changed.numUpdatedRows > 0n) return token
  const { state } = await getTenant(catalog, slug)
  // It was opened in between.
  if (state !== 'provisioning') return rotateToken(catalog, slug)
  throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is ${state}`, { hint: `feedctl tenant create ${slug}` })
}

/** A tenant found by its token, and what kept answers about it are judged by. */
export interface Bearer {
  readonly tenant: Tenant
  readonly tokenHash: string
  readonly contentVersion: number
  /** How long ago its content last changed, or it was made, by the catalog's clock; never less than 0. */
  readonly changedAgoMs: number
}

/**
 * Whose token it is; null for a token nobody has, and for that of a tenant which is not there yet or being deleted. Only hashes meet, so that the
 * time it takes tells nothing of a token.
 */
export async function findByToken(catalog: Catalog, token: string): Promise<Bearer | null> {
  const hash = tokenHash(token)
  const row = await tenantRows(catalog)
    .select(contentAgeMs(catalog).as('changed_ago_ms'))
    .where('tenants.token_hash', '=', hash)
    .executeTakeFirst()
  if (row === undefined || !isSameHash(row.token_hash ?? '', hash)) return null
  if (row.state !== 'active' && row.state !== 'suspended') return null
  return {
    tenant: tenantOf(row),
    tokenHash: hash,
    contentVersion: row.content_version,
    changedAgoMs: Math.max(0, Number(row.changed_ago_ms)),
  }
}

function isSameHash(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}
