import { Failure } from '../kernel/errors.js'
import { refuseSuspended } from '../media/serving/serving.js'
import type { Catalog } from '../tenants/catalog.js'
import type { Tenant } from '../tenants/tenant.js'
import { findByToken } from '../tenants/tokens.js'

/** The active tenant whose token an Authorization header bears. @throws {Failure} TOKEN_INVALID, TENANT_WRONG_STATE */
export async function authorize(catalog: Catalog, header: string | undefined): Promise<Tenant> {
  const token = /^Bearer ([\w-]{1,200})$/i.exec(header ?? '')?.[1]
  const tenant = token === undefined ? null : await findByToken(catalog, token)
  if (tenant === null) throw new Failure('TOKEN_INVALID', 'the request bears no token of a tenant')
  refuseSuspended(tenant)
  return tenant
}
