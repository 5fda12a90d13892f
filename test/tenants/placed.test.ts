import type { CompiledQuery, Kysely } from 'kysely'
import { expect, it } from 'vitest'
import type { Catalog } from '../../src/tenants/catalog.js'
import { type CatalogSchema, insertRows } from '../../src/tenants/databases/index.js'
import { addHost, setHostState } from '../../src/tenants/hosts/changing.js'
import { removeHost } from '../../src/tenants/hosts/removing.js'
import { parseSlug } from '../../src/tenants/ids.js'
import { createTenant, createTenants } from '../../src/tenants/provision.js'
import { forgetVacated } from '../../src/tenants/removal/vacated.js'
import { markDeleted, removeTenant } from '../../src/tenants/removal.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { secondHost } from '../support/second-host.js'
import { describeDatabases, openInstallation, removing, tenantIn, wish } from './installation.js'

describeDatabases('the place of a new tenant', (env, kind) => {
  const second = secondHost(kind)
  const nothing = async () => null
  const unplaced = ({ kysely }: Catalog) =>
    kysely
      .selectFrom('tenants')
      .leftJoin('placements', 'placements.id', 'tenants.placement_id')
      .select('slug')
      .where('placements.id', 'is', null)
      .execute()

  it('is looked for again when it is forgotten right after the look whether it is there', async () => {
    const here = await openInstallation(env)
    const { catalog } = here
    const old = await tenantIn(here, 'vacated')
    await markDeleted(catalog, old.slug, 0)
    await removeTenant(catalog, old.slug, removing())
    await catalog.kysely.updateTable('placements').set({ vacated_at: 1 }).where('id', '=', old.placementId).execute()
    let forgotten = 0
    const forgetting = aroundInsert(catalog, 'placements', {
      after: async () => {
        forgotten += await forgetVacated(catalog, Date.now())
      },
    })
    const { tenant } = await createTenant(forgetting, here.prefix, wish('vacated'), nothing)
    expect([forgotten, tenant.state]).toEqual([1, 'active'])
    expect(await unplaced(catalog)).toEqual([])
  })

  it('is given up when it is forgotten at every look', async () => {
    const here = await openInstallation(env)
    const { catalog } = here
    const forgetting = aroundInsert(catalog, 'placements', {
      after: async () => void (await catalog.kysely.deleteFrom('placements').where('schema_version', '=', 0).execute()),
      always: true,
    })
    await expect(createTenant(forgetting, here.prefix, wish('never'), nothing)).rejects.toMatchObject({ code: 'LOCKED' })
    await expect(getTenant(catalog, parseSlug('never'))).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
    expect(await unplaced(catalog)).toEqual([])
  })

  it.each(['one', 'many'])('is refused whose host is removed between the look and the insert (%s)', async count => {
    const here = await openInstallation(second.with(env, 'second'))
    const { catalog, config, prefix } = here
    await addHost(catalog, config, 'second', { address: second.address, weight: 0 })
    const slug = parseSlug(`removed-${count}`)
    const removingHost = aroundInsert(catalog, 'tenants', {
      before: async () => {
        await setHostState(catalog, 'second', 'draining')
        await removeHost(catalog, 'second')
      },
    })
    const wanted = { ...wish(slug), host: 'second' }
    if (count === 'one') {
      const refused = createTenant(removingHost, prefix, wanted, nothing)
      await expect(refused).rejects.toMatchObject({ code: 'LOCKED', message: expect.stringContaining(slug) })
    } else {
      const report = await createTenants(removingHost, prefix, [wanted, wish('stays')], {})
      expect(report).toMatchObject({ tenants: { created: 1, failed: 1 }, failures: [{ slug, code: 'LOCKED' }] })
    }
    expect(await unplaced(catalog)).toEqual([])
    expect((await createTenant(catalog, prefix, wish(slug), nothing)).tenant.state).toBe('active')
  })

  it('is found anew for one whose process was killed before it saw that there was none', async () => {
    const here = await openInstallation(env)
    const row = { name: 'x', state: 'provisioning' as const, claimed_by: 'elsewhere:1:token', created_at: 1, updated_at: 1 }
    const rows = [{ ...row, slug: 'astray', placement_id: 999_999, claimed_at: 1 }]
    await insertRows(here.catalog.database, 'tenants', rows)
    expect((await tenantIn(here, 'astray')).state).toBe('active')
  })
})

/** The catalog, where something happens around the first insert into the table, or every one. */
function aroundInsert(
  catalog: Catalog,
  table: string,
  { before, after, always = false }: { before?: () => Promise<void>; after?: () => Promise<void>; always?: boolean },
): Catalog {
  let happened = false
  const executeQuery = async (query: CompiledQuery) => {
    const meant = (always || !happened) && /^insert/i.test(query.sql) && query.sql.includes(table)
    happened ||= meant
    if (meant) await before?.()
    const result = await catalog.kysely.executeQuery(query)
    if (meant) await after?.()
    return result
  }
  const kysely = new Proxy(catalog.kysely, {
    get: (target, key) => {
      if (key === 'executeQuery') return executeQuery
      const value = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  }) as Kysely<CatalogSchema>
  return { ...catalog, kysely, database: { ...catalog.database, kysely } }
}
