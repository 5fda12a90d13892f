import type { KyselyPlugin } from 'kysely'
import { expect, it } from 'vitest'
import { LETTING_IN_BELOW } from '../../src/tenants/admission.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { insertRows, type OpenDatabase, type TenantSchema } from '../../src/tenants/databases/index.js'
import { fenceOf, withRemoval } from '../../src/tenants/fence.js'
import { clearFence } from '../../src/tenants/moving/fences.js'
import { holdElsewhere } from '../../src/tenants/moving/holding.js'
import { removeAllRows } from '../../src/tenants/removal/rows.js'
import { admitAll } from '../../src/tenants/residents.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { atPlace, fence } from './fences.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from './installation.js'
import { describeMoves, move, standing } from './moving/ground.js'

/** Runs the deed once, when the first answer of the catalog is in. */
function afterFirstAnswer({ catalog }: Installation, deed: () => Promise<unknown>): Catalog {
  let done = false
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      if (!done) {
        done = true
        await deed()
      }
      return result
    },
  }
  return { ...catalog, kysely: catalog.kysely.withPlugin(plugin) }
}

const at = <T>({ catalog }: Installation, { placement }: Tenant, deed: (database: OpenDatabase<TenantSchema>) => Promise<T>) =>
  catalog.server.use<TenantSchema, T>(placement.database, deed)
const letIn = (here: Installation, tenant: Tenant, catalog = here.catalog) =>
  at(here, tenant, database => admitAll(catalog, database, tenant.placement))
const setResident = (here: Installation, tenant: Tenant, by: number | null | undefined) =>
  at(here, tenant, async database => {
    await database.kysely.deleteFrom('residents').where('tenant_id', '=', tenant.id).execute()
    if (by !== undefined) await insertRows(database, 'residents', [{ tenant_id: tenant.id as number, fenced_by: by }])
  })
const write = ({ catalog }: Installation, tenant: Tenant) =>
  withTenant(catalog, tenant, tables => tables.transaction(tx => tx.takeIds('posts', 1)))

describeMoves('who lets all tenants of a database in', open => {
  it('keeps one out that is moved away while it looks', async () => {
    const [here, there] = [await open(), await open()]
    const [tenant, neighbour] = [await tenantIn(here, 'goes', 'shared'), await tenantIn(here, 'stays', 'shared')]
    await setResident(here, neighbour, undefined)
    const late = afterFirstAnswer(here, () => move(there, tenant.slug, 'other'))
    await letIn(here, tenant, late)
    expect(await fenceOf(here.catalog, tenant)).toBeUndefined()
    await expect(write(here, tenant)).rejects.toMatchObject({ code: 'TENANT_MOVED' })
    await write(here, await standing(here, tenant))
    await write(here, neighbour)
  })
})

describeDatabases('who lets all tenants of a database in', env => {
  const killed = LETTING_IN_BELOW - 77

  it('lets in who is missing and who was left held by one that was killed, and takes out whom it held in vain', async () => {
    const here = await openInstallation(env)
    const slugs = ['held', 'missing', 'fenced', 'gone'] as const
    const [held, missing, fenced, gone] = await Promise.all(slugs.map(slug => tenantIn(here, slug, 'shared')))
    if (held === undefined || missing === undefined || fenced === undefined || gone === undefined) throw new Error('no tenants')
    await setResident(here, held, killed)
    await setResident(here, missing, undefined)
    await fence(here.catalog, fenced, 7)
    await setResident(here, gone, killed)
    const own = await tenantIn(here, 'own')
    await here.catalog.kysely.updateTable('tenants').set({ placement_id: own.placementId }).where('id', '=', gone.id).execute()
    await letIn(here, held)
    const fences = await Promise.all([held, missing, fenced, gone].map(tenant => fenceOf(here.catalog, tenant)))
    expect(fences).toEqual([null, null, 7, undefined])
  })

  it('waits for one that does it at the same moment, and both end with all let in', async () => {
    const [here, there] = [await openInstallation(env), await openInstallation(env)]
    const tenants = await Promise.all(Array.from({ length: 40 }, (_, n) => tenantIn(here, `both-${n}`, 'shared')))
    for (const tenant of tenants) await setResident(here, tenant, undefined)
    const [first] = tenants as [Tenant]
    const slow = afterFirstAnswer(here, () => letIn(there, first))
    await Promise.all([letIn(here, first, slow), letIn(there, first), letIn(here, first)])
    for (const tenant of tenants) expect(await fenceOf(here.catalog, tenant)).toBeNull()
  })

  it('and was killed keeps neither a move nor a removal of the tenant', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'cut', 'shared')
    await setResident(here, tenant, killed)
    await expect(write(here, tenant)).rejects.toMatchObject({ code: 'TENANT_MOVING' })
    await clearFence(here.catalog, await getTenant(here.catalog, tenant.slug))
    await write(here, tenant)
    await setResident(here, tenant, killed)
    expect(await atPlace(here.catalog, tenant, place => holdElsewhere(here.catalog, place, -5))).toBe(false)
    await write(here, tenant)
    await setResident(here, tenant, killed)
    await withRemoval(here.catalog, tenant, removeAllRows)
    expect(await fenceOf(here.catalog, tenant)).toBeUndefined()
  })
})
