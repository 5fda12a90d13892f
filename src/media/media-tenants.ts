import { Failure } from '../kernel/errors.js'
import type { Catalog } from '../tenants/catalog.js'
import type { TenantState } from '../tenants/databases/index.js'
import { parseSlug } from '../tenants/ids.js'
import { getTenant, listTenants, type Tenant } from '../tenants/tenant.js'

const PAGE = 200
/** Whoever is suspended keeps its media. */
const STATES: readonly TenantState[] = ['active', 'suspended']

/** The tenants of these slugs, each once. @throws {Failure} TENANT_NOT_FOUND; TENANT_WRONG_STATE for one that is being made or removed */
export async function tenantsNamed(catalog: Catalog, slugs: readonly string[]): Promise<Tenant[]> {
  const tenants: Tenant[] = []
  for (const slug of new Set(slugs)) {
    const tenant = await getTenant(catalog, parseSlug(slug))
    if (!STATES.includes(tenant.state)) throw new Failure('TENANT_WRONG_STATE', `tenant ${slug} is ${tenant.state}`)
    tenants.push(tenant)
  }
  return tenants
}

/** These, or all that may have media, page by page. */
export async function* pagesOfTenants(catalog: Catalog, tenants: readonly Tenant[] | 'all'): AsyncGenerator<readonly Tenant[]> {
  if (tenants !== 'all') return yield tenants
  for (const state of STATES) {
    for (let after: string | null = ''; after !== null; ) {
      const page = await listTenants(catalog, { state, limit: PAGE, ...(after === '' ? {} : { after }) })
      yield page.tenants
      after = page.next
    }
  }
}

/** All that may have media, one by one. */
export async function* allTenants(catalog: Catalog): AsyncGenerator<Tenant> {
  for await (const page of pagesOfTenants(catalog, 'all')) yield* page
}

export async function countTenants(catalog: Catalog, tenants: readonly Tenant[] | 'all'): Promise<number> {
  if (tenants !== 'all') return tenants.length
  const counted = catalog.kysely.selectFrom('tenants').select(eb => eb.fn.countAll<number>().as('tenants'))
  return Number((await counted.where('state', 'in', [...STATES]).executeTakeFirstOrThrow()).tenants)
}
