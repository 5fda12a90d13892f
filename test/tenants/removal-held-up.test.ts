import { expect, it } from 'vitest'
import { addFeeds, listFeeds } from '../../src/feeds/subscriptions.js'
import { createDbUser, dbUserOf } from '../../src/tenants/db-users.js'
import { dropUnplaced } from '../../src/tenants/removal/unplaced.js'
import { markDeleted, removeTenant } from '../../src/tenants/removal.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { TENANT_SCHEMA_VERSION } from '../../src/tenants/upgrade.js'
import { describeDatabases, type Installation, openInstallation, removing, tenantIn } from './installation.js'
import { atUpdate } from './interleaving.js'

const FEED = { url: 'https://of-the-next.example/', title: null }

describeDatabases('who removes a tenant, and is held up until another has removed it and its name is a new one,', (env, kind) => {
  const begun = async (here: Installation, slug: string) => {
    const tenant = await tenantIn(here, slug)
    if (kind === 'mysql') await createDbUser(here.catalog, tenant)
    await markDeleted(here.catalog, tenant.slug, 0)
    return tenant
  }

  it.for(['before', 'after'] as const)('drops nothing of the new tenant (%s its placement is said to be empty)', async when => {
    const [here, there] = [await openInstallation(env), await openInstallation(env)]
    const { catalog } = there
    const tenant = await begun(here, `held-up-${when}`)
    const kysely = atUpdate(here.catalog.kysely, 'placements', when, async () => {
      await removeTenant(catalog, tenant.slug, removing())
      const next = await tenantIn(there, tenant.slug)
      await addFeeds(catalog, next, [FEED])
      if (kind === 'mysql') await createDbUser(catalog, next)
    })
    await expect(removeTenant({ ...here.catalog, kysely }, tenant.slug, removing())).rejects.toMatchObject({
      code: 'TENANT_NOT_FOUND',
    })
    const next = await getTenant(catalog, tenant.slug)
    expect(next.id).not.toBe(tenant.id)
    expect([next.placementId, next.state, next.schemaVersion]).toEqual([tenant.placementId, 'active', TENANT_SCHEMA_VERSION])
    expect((await listFeeds(catalog, next)).map(({ url }) => url)).toEqual([FEED.url])
    if (kind === 'mysql') expect(await dbUserOf(catalog, next.placement)).not.toBeNull()
  })

  it('drops no database that was without a placement, and is the new tenant’s', async () => {
    const here = await openInstallation(env)
    const { catalog } = here
    const left = await tenantIn(here, 'left')
    await catalog.kysely.deleteFrom('tenants').where('id', '=', left.id).execute()
    await catalog.kysely.deleteFrom('placements').where('id', '=', left.placementId).execute()
    const found = [{ host: 'default', name: left.placement.database }]
    const dropped = dropUnplaced(catalog, found, async () => {
      // As another does that took over, and has dropped it.
      await catalog.server.drop(left.placement.database)
      await catalog.kysely.deleteFrom('placements').where('kind', '=', 'dropping').execute()
      await addFeeds(catalog, await tenantIn(here, 'left'), [FEED])
      return true
    })
    expect(await dropped).toBe(0)
    expect(await listFeeds(catalog, await getTenant(catalog, left.slug))).toHaveLength(1)
  })
})
