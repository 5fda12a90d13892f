import { sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import { receiptWords, removedWords } from '../../commands/tenant/receipt-words.js'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import { newHolder } from '../../src/kernel/holder.js'
import type { Catalog } from '../../src/tenants/catalog.js'
import { claimTenants } from '../../src/tenants/claim.js'
import { insertRows, type TenantSchema } from '../../src/tenants/databases/index.js'
import { type DatabaseName, dedicatedDatabase, parseSlug } from '../../src/tenants/ids.js'
import { prepare } from '../../src/tenants/making.js'
import { createTenant, createTenants } from '../../src/tenants/provision.js'
import type { RemoveMedia } from '../../src/tenants/removal/parts.js'
import { tenantsIn } from '../../src/tenants/removal/strays.js'
import { markDue, removeTenant } from '../../src/tenants/removal.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { TENANT_SCHEMA_VERSION } from '../../src/tenants/upgrade.js'
import { dropDatabases } from '../support/drivers.js'
import { describeDatabases, type Installation, noMedia, openInstallation, removing, tenantIn, wish } from './installation.js'
import { onServer, serverWith } from './servers.js'

const FEED = { url: 'https://a.example/', title: null }

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
    const added = await addFeeds(winner.catalog, tenant, [FEED])
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

  /** Tenants of the same number in the one shared database: the other's lives there, and this one was only begun. */
  const ofOneNumber = async (here: Installation, there: Installation, slug: string) => {
    const holder = newHolder()
    const [claimed] = await claimTenants(here.catalog, here.prefix, [wish(slug, 'shared')], holder)
    if (claimed === undefined) throw new Error('nothing was claimed')
    let resident = await tenantIn(there, `${slug}-0`, 'shared')
    for (let n = 1; resident.id <= claimed.id; n++) resident = await tenantIn(there, `${slug}-${n}`, 'shared')
    expect(resident.placement.database).toBe(claimed.database)
    const { kysely, database } = here.catalog
    const row = await kysely.selectFrom('tenants').selectAll().where('id', '=', claimed.id).executeTakeFirstOrThrow()
    await kysely.deleteFrom('tenants').where('id', '=', claimed.id).execute()
    // Written so, the number is never given again.
    await insertRows(database, 'tenants', [{ ...row, id: resident.id as number }])
    return { holder, begun: { ...claimed, id: resident.id }, resident }
  }

  it('lets the resident of the other’s shared database be, whose number is that of a tenant that was refused', async () => {
    const [here, there] = await both()
    const { holder, begun, resident } = await ofOneNumber(here, there, 'refused-shared')
    await expect(prepare(here.catalog, begun, holder, async () => null)).rejects.toMatchObject({ code: 'DATABASE_TAKEN' })
    expect((await addFeeds(there.catalog, resident, [FEED])).added).toHaveLength(1)
    await expect(getTenant(here.catalog, begun.slug)).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
  })

  it('removes nothing of the other’s tenant of the same number with one that was never finished', async () => {
    const [here, there] = await both()
    const { begun, resident } = await ofOneNumber(here, there, 'removed-shared')
    await addFeeds(there.catalog, resident, [FEED])
    await markDue(here.catalog, begun.slug)
    const terms: object[] = []
    const media: RemoveMedia = (tenant, has) => {
      terms.push(has)
      return noMedia(tenant, has)
    }
    const receipt = await removeTenant(here.catalog, begun.slug, removing(media))
    expect(receipt).toMatchObject({ feeds: null, rows: null, sources: null, databaseStayed: true })
    expect(removedWords(receipt)).toContain('nothing of the database, which is not of this installation')
    expect(receiptWords(receipt)).not.toContain('nobody could')
    expect(terms).toEqual([{ hasTables: false }])
    expect(await withTenant(there.catalog, resident, tables => tables.feeds().select('url').execute())).toHaveLength(1)
    expect((await addFeeds(there.catalog, resident, [{ ...FEED, url: 'https://b.example/' }])).added).toHaveLength(1)
  })

  it('drops no database of the other with a tenant that was never finished, and its receipt claims none', async () => {
    const [here, there] = await both()
    const [begun] = await claimTenants(here.catalog, here.prefix, [wish('removed')], newHolder())
    if (begun === undefined) throw new Error('nothing was claimed')
    await tenantIn(there, 'removed')
    await markDue(here.catalog, begun.slug)
    expect(await removeTenant(here.catalog, begun.slug, removing())).toMatchObject({ placement: 'dedicated', database: null })
    await expectOnly(there, here, 'removed')
    const left = here.catalog.kysely.selectFrom('placements').select(['schema_version', 'vacated_at'])
    expect(await left.where('id', '=', begun.placementId).execute()).toEqual([
      { schema_version: 0, vacated_at: expect.any(Number) },
    ])
  })

  it('drops no database that the other has made since a removal that goes on dropped its own', async () => {
    const [here, there] = await both()
    const tenant = await tenantIn(here, 'goes-on')
    await markDue(here.catalog, tenant.slug)
    const drop = async () => {
      await here.catalog.server.drop(tenant.placement.database)
      throw new Failure('UNAVAILABLE', 'the answer was lost')
    }
    const cut = onServer(here.catalog, serverWith(here.catalog.server, { drop }))
    await expect(removeTenant(cut, tenant.slug, removing())).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    await tenantIn(there, 'goes-on')
    expect(await removeTenant(here.catalog, tenant.slug, removing())).toMatchObject({ database: tenant.placement.database })
    await expectOnly(there, here, 'goes-on')
  })

  it('leaves a database alone that is not feedctl’s, and drops its own that was dropped by half', async () => {
    const [here] = await both()
    const [begun] = await claimTenants(here.catalog, here.prefix, [wish('foreign')], newHolder())
    if (begun === undefined) throw new Error('nothing was claimed')
    const own = await tenantIn(here, 'by-half')
    const { server } = here.catalog
    const asOthers = (database: DatabaseName) =>
      server.use<TenantSchema, unknown>(database, ({ kysely, qualify }) =>
        sql.raw(`drop table ${qualify('feedctl_migrations')}`).execute(kysely),
      )
    await server.create(begun.database)
    await server.use<{ accounts: object }, unknown>(begun.database, ({ kysely, qualify }) =>
      sql.raw(`create table ${qualify('accounts')} (id integer)`).execute(kysely),
    )
    for (const slug of [begun.slug, own.slug]) {
      await markDue(here.catalog, slug)
      const drop = async (database: DatabaseName) => {
        if (slug === own.slug) await asOthers(database)
        throw new Failure('UNAVAILABLE', 'the host went down')
      }
      const cut = onServer(here.catalog, serverWith(server, { drop }))
      const first = await removeTenant(cut, slug, removing()).catch(error => error.code)
      expect([slug, first]).toEqual([slug, slug === own.slug ? 'UNAVAILABLE' : expect.objectContaining({ database: null })])
    }
    expect(await server.has(begun.database)).toBe(true)
    await server.drop(begun.database)
    expect(await removeTenant(here.catalog, own.slug, removing())).toMatchObject({ database: own.placement.database })
    expect(await server.has(own.placement.database)).toBe(false)
  })

  it('drops a database of its own whose ledger is lost', async () => {
    const [here] = await both()
    const tenant = await tenantIn(here, 'unledgered')
    const { server } = here.catalog
    await server.use<TenantSchema, unknown>(tenant.placement.database, ({ kysely, qualify }) =>
      sql.raw(`drop table ${qualify('feedctl_migrations')}`).execute(kysely),
    )
    await markDue(here.catalog, tenant.slug)
    expect(await removeTenant(here.catalog, tenant.slug, removing())).toMatchObject({ database: tenant.placement.database })
    expect(await server.has(tenant.placement.database)).toBe(false)
  })

  it('removes no rows from a database that was its own, and is the other’s by now', async () => {
    const [here, there] = await both()
    const holder = newHolder()
    const [begun] = await claimTenants(here.catalog, here.prefix, [wish('strays')], holder)
    if (begun === undefined) throw new Error('nothing was claimed')
    for (let n = 0; (await tenantIn(there, `strays-${n}`, 'shared')).id <= begun.id; ) n++
    const other = await tenantIn(there, 'strays')
    await addFeeds(there.catalog, other, [FEED])
    const known = { ...begun, schemaVersion: TENANT_SCHEMA_VERSION }
    await expect(prepare(here.catalog, known, holder, async () => null)).rejects.toMatchObject({ code: 'DATABASE_TAKEN' })
    expect(await withTenant(there.catalog, other, tables => tables.feeds().select('url').execute())).toHaveLength(1)
  })
})
