import type { App } from '../../src/app.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Bucket, Disks } from '../../src/media/disks/driver.js'
import type { Tenant } from '../../src/tenants/tenant.js'

/** @throws {Failure} USAGE unless either tenants are named or all are meant */
export function checkTenants(command: string, slugs: readonly string[], options: { readonly all?: true }): void {
  if (slugs.length > 0 !== (options.all === true)) return
  throw new Failure('USAGE', 'name tenants, or pass --all', { hint: `feedctl media ${command} --all` })
}

/** @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE */
export async function tenantsMeant(
  app: App,
  slugs: readonly string[],
  options: { readonly all?: true },
): Promise<Tenant[] | 'all'> {
  if (options.all === true) return 'all'
  const { tenantsNamed } = await import('../../src/media/media-tenants.js')
  return tenantsNamed(app.catalog, slugs)
}

/** The tenants of these slugs, each once, or all of them. @throws {Failure} TENANT_NOT_FOUND, TENANT_WRONG_STATE, before any is answered */
export async function tenantsOf(app: App, slugs: readonly string[]): Promise<AsyncIterable<Tenant> | readonly Tenant[]> {
  const { allTenants, tenantsNamed } = await import('../../src/media/media-tenants.js')
  return slugs.length === 0 ? allTenants(app.catalog) : tenantsNamed(app.catalog, slugs)
}

/** @throws {Failure} CONFIG_INVALID where no bucket is set */
export async function disksWithBucket(app: App): Promise<Disks & { readonly wasabi: Bucket }> {
  const disks = await app.disks()
  const { wasabi } = disks
  if (wasabi !== null) return { ...disks, wasabi }
  throw new Failure('CONFIG_INVALID', 'no bucket is set', {
    hint: 'set WASABI_BUCKET, WASABI_ACCESS_KEY_ID, WASABI_SECRET_ACCESS_KEY and WASABI_REGION',
  })
}
