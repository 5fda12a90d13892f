import { expect, it } from 'vitest'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { dedicatedDatabase, parseSlug } from '../../src/tenants/ids.js'
import { markDeleted, removeTenant } from '../../src/tenants/removal.js'
import { withTenant } from '../../src/tenants/tables.js'
import { describeDatabases, type Installation, openInstallation, removing, tenantIn } from './installation.js'

describeDatabases('tenants that go and come', env => {
  const placementsOf = ({ catalog, prefix }: Installation, slug: string) =>
    catalog.kysely
      .selectFrom('placements')
      .selectAll()
      .where('database_name', '=', dedicatedDatabase(prefix, parseSlug(slug)))
      .execute()

  it('makes a tenant anew in the placement that the one before it has left', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'again')
    await addFeeds(here.catalog, tenant, [{ url: 'https://a.example/', title: null }])
    await markDeleted(here.catalog, tenant.slug, 0)
    const [placement] = await placementsOf(here, 'again')
    await removeTenant(here.catalog, tenant.slug, removing())
    expect(await placementsOf(here, 'again')).toMatchObject([{ id: placement?.id, schema_version: 0 }])
    const again = await tenantIn(here, 'again')
    const feeds = await withTenant(here.catalog, again, tables => tables.feeds().selectAll().execute())
    expect([again.state, feeds]).toEqual(['active', []])
  })

  it('removes rows in shared tables or the whole database, and the neighbours keep theirs', async () => {
    const here = await openInstallation(env)
    for (const placement of ['dedicated', 'shared'] as const) {
      const pair = [
        await tenantIn(here, `gone-${placement}`, placement),
        await tenantIn(here, `gone-${placement}-2`, placement),
      ] as const
      for (const tenant of pair)
        await addFeeds(here.catalog, tenant, [
          { url: 'https://a.example/', title: null },
          { url: 'https://b.example/', title: null },
        ])
      await expect(removeTenant(here.catalog, pair[0].slug, removing())).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
      await markDeleted(here.catalog, pair[0].slug, 0)
      const receipt = await removeTenant(here.catalog, pair[0].slug, removing())
      expect(receipt).toMatchObject({
        slug: pair[0].slug,
        feeds: 2,
        posts: 0,
        database: placement === 'dedicated' ? pair[0].placement.database : null,
      })
      await expect(removeTenant(here.catalog, pair[0].slug, removing())).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
      const left = await withTenant(here.catalog, pair[1], tables => tables.feeds().select('url').execute())
      expect(left).toHaveLength(2)
      if (placement === 'shared')
        expect(await withTenant(here.catalog, pair[0], tables => tables.feeds().selectAll().execute())).toEqual([])
    }
  })
})
