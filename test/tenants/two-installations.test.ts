import { expect, it, onTestFinished } from 'vitest'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import type { TenantSchema } from '../../src/tenants/databases/index.js'
import { dedicatedDatabase, parseSlug } from '../../src/tenants/ids.js'
import { createTenant, createTenants } from '../../src/tenants/provision.js'
import { tenantsIn } from '../../src/tenants/removal/strays.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { dropDatabases } from '../support/drivers.js'
import { describeDatabases, type Installation, openInstallation, wish } from './installation.js'
import { onServer, serverWith } from './servers.js'

describeDatabases('two installations on one server with one prefix', (env, kind) => {
  const both = async () => {
    const here = await openInstallation(env)
    const second = { ...env, DB_DATABASE: `ft_${here.config.dbDatabase.slice(-10).split('').reverse().join('')}` }
    const there = await openInstallation(second)
    if (kind === 'mysql') onTestFinished(() => dropDatabases(second))
    expect(there.catalog.id).not.toBe(here.catalog.id)
    return [here, there] as const
  }
  const namesOf = (installation: Installation, slug: string) => dedicatedDatabase(installation.prefix, parseSlug(slug))
  /** The other's tenant is whole, and nothing is left of the one that was refused. */
  const expectOnly = async (winner: Installation, loser: Installation, slug: string) => {
    const tenant = await getTenant(winner.catalog, parseSlug(slug))
    expect(tenant.state).toBe('active')
    const added = await addFeeds(winner.catalog, tenant, [{ url: 'https://a.example/', title: null }])
    expect(added.added).toHaveLength(1)
    expect(await withTenant(winner.catalog, tenant, tables => tables.feeds().select('url').execute())).toHaveLength(1)
    const ledger = await winner.catalog.server.use<TenantSchema, readonly { catalog_id: string }[]>(
      namesOf(winner, slug),
      ({ kysely }) => kysely.selectFrom('feedctl_migrations').select('catalog_id').distinct().execute(),
    )
    expect(ledger).toEqual([{ catalog_id: winner.catalog.id }])
    expect(await tenantsIn(winner.catalog, tenant.placement, 'residents', 0)).toEqual([tenant.id])
    await expect(getTenant(loser.catalog, parseSlug(slug))).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
  }
  /** The catalog, to which `deed` happens once, after it has made the database of a tenant. */
  const afterMaking = ({ catalog }: Installation, deed: () => Promise<unknown>): Catalog =>
    onServer(
      catalog,
      serverWith(catalog.server, {
        create: async name => {
          const made = await catalog.server.create(name)
          await deed()
          return made
        },
      }),
    )

  it('refuses one of many whose database the other took before it was written whose it is, and leaves it alone', async () => {
    const [here, there] = await both()
    const taken = namesOf(here, 'bulk-1')
    let uses = 0
    const server = serverWith(here.catalog.server, {
      use: async (name, deed) => {
        // The tables are there, and now it is to be settled.
        if (name === taken && ++uses === 2)
          expect((await createTenants(there.catalog, there.prefix, [wish('bulk-1')], {})).tenants.created).toBe(1)
        return here.catalog.server.use(name, deed)
      },
    })
    const report = await createTenants(
      onServer(here.catalog, server),
      here.prefix,
      [0, 1, 2].map(n => wish(`bulk-${n}`)),
      {},
    )
    expect(report.failures).toMatchObject([{ slug: 'bulk-1', code: 'DATABASE_TAKEN' }])
    expect(report.tenants).toEqual({ total: 3, created: 2, existing: 0, failed: 1 })
    await expectOnly(there, here, 'bulk-1')
  })

  it('refuses a single one whose database the other took as soon as it was made', async () => {
    const [here, there] = await both()
    const catalog = afterMaking(here, () => createTenant(there.catalog, there.prefix, wish('single'), async () => null))
    await expect(createTenant(catalog, here.prefix, wish('single'), async () => null)).rejects.toMatchObject({
      code: 'DATABASE_TAKEN',
    })
    await expectOnly(there, here, 'single')
  })

  it('drops no database that the other took, whatever else is refused', async () => {
    const [here, there] = await both()
    const name = namesOf(here, 'refused')
    const server = serverWith(here.catalog.server, {
      use: async (...use) => {
        if (use[0] !== name || (await getTenant(there.catalog, parseSlug('refused')).catch(() => null)) !== null)
          return here.catalog.server.use(...use)
        await createTenant(there.catalog, there.prefix, wish('refused'), async () => null)
        throw new Failure('CONFIG_INVALID', 'no more rights')
      },
    })
    const refused = createTenant(onServer(here.catalog, server), here.prefix, wish('refused'), async () => null)
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expectOnly(there, here, 'refused')
  })
})
