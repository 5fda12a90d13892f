import type { FastifyRequest } from 'fastify'
import { Failure } from '../kernel/errors.js'
import { refuseSuspended } from '../media/serving/serving.js'
import type { Catalog } from '../tenants/catalog.js'
import type { Tenant } from '../tenants/tenant.js'
import { findByToken } from '../tenants/tokens.js'
import type { Principals } from './parts.js'

/** Looks every token up. */
export class LookedUpPrincipals implements Principals {
  constructor(private readonly catalog: Catalog) {}

  async authorize(request: FastifyRequest): Promise<Tenant> {
    const token = /^Bearer ([\w-]{1,200})$/i.exec(request.headers.authorization ?? '')?.[1]
    const tenant = token === undefined ? null : await findByToken(this.catalog, token)
    if (tenant === null) throw new Failure('TOKEN_INVALID', 'the request bears no token of a tenant')
    refuseSuspended(tenant)
    return tenant
  }

  async close(): Promise<void> {}
}
