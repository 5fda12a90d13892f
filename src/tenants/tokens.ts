import { createHash, randomBytes } from 'node:crypto'
import { Failure } from '../kernel/errors.js'
import type { Catalog } from './catalog.js'
import type { TenantSlug } from './ids.js'

/** A new API token, 43 random characters behind a prefix that secret scanners can find. Only its hash is ever stored. */
export function newToken(): string {
  return `fct_${randomBytes(32).toString('base64url')}`
}

/** SHA-256, hex: enough for a secret of 256 random bits, and cheap to look up. */
export function tokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** Replaces the tenant's token; the old one ends at once. @throws {Failure} TENANT_NOT_FOUND */
export async function rotateToken(catalog: Catalog, slug: TenantSlug): Promise<string> {
  const token = newToken()
  const changed = await catalog.kysely
    .updateTable('tenants')
    .set({ token_hash: tokenHash(token), updated_at: Date.now() })
    .where('slug', '=', slug)
    .executeTakeFirst()
  if (changed.numUpdatedRows === 0n)
    throw new Failure('TENANT_NOT_FOUND', `there is no tenant ${slug}`, { hint: 'feedctl tenant list' })
  return token
}
