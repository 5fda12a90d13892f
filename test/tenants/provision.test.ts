import { type Kysely, sql } from 'kysely'
import { expect, it } from 'vitest'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import { thisMachine } from '../../src/kernel/holder.js'
import { insertRows, type TenantSchema } from '../../src/tenants/databases/index.js'
import { dedicatedDatabase, parseDatabaseName, parseSlug } from '../../src/tenants/ids.js'
import { createTenant, createTenants } from '../../src/tenants/provision.js'
import { tenantsIn } from '../../src/tenants/removal/strays.js'
import { markDeleted } from '../../src/tenants/removal.js'
import { withTenant } from '../../src/tenants/tables.js'
import { changeState, getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { describeDatabases, type Installation, openInstallation, tenantIn, wish } from './installation.js'

describeDatabases('creating tenants', env => {
  const rowOf = ({ catalog }: Installation, slug: string) =>
    catalog.kysely.selectFrom('tenants').selectAll().where('slug', '=', slug).executeTakeFirst()
  const placementsOf = ({ catalog, prefix }: Installation, slug: string) =>
    catalog.kysely
      .selectFrom('placements')
      .selectAll()
      .where('database_name', '=', dedicatedDatabase(prefix, parseSlug(slug)))
      .execute()
  /** A placement whose tables are gone keeps its row, for the next tenant of that name. */
  const readyPlacementsOf = async (here: Installation, slug: string) =>
    (await placementsOf(here, slug)).filter(placement => placement.schema_version > 0)
  const has = ({ catalog, prefix }: Installation, slug: string) => catalog.server.has(dedicatedDatabase(prefix, parseSlug(slug)))
  const nothing = async () => null

  it.each(['dedicated', 'shared'] as const)('lets exactly one of those succeed that race (%s)', async placement => {
    const sides = await Promise.all([1, 2, 3].map(() => openInstallation(env)))
    for (let round = 0; round < 3; round++) {
      const slug = `race-${placement}-${round}`
      const races = sides
        .flatMap(side => [side, side])
        .map(({ catalog, prefix }) => createTenant(catalog, prefix, wish(slug, placement), nothing))
      const results = await Promise.allSettled(races)
      const refusals = results.flatMap(result => (result.status === 'rejected' ? [result.reason.code] : []))
      expect(refusals).toEqual(Array(5).fill('TENANT_EXISTS'))
      expect(await rowOf(sides[0] as Installation, slug)).toMatchObject({ state: 'active', claimed_by: null })
    }
  })

  it('leaves nothing behind when the furniture is refused', async () => {
    const here = await openInstallation(env)
    for (const placement of ['dedicated', 'shared'] as const) {
      const slug = `refused-${placement}`
      const refusing = createTenant(here.catalog, here.prefix, wish(slug, placement), () =>
        Promise.reject(new Failure('URL_INVALID', 'no')),
      )
      await expect(refusing).rejects.toMatchObject({ code: 'URL_INVALID' })
      expect([await rowOf(here, slug), await readyPlacementsOf(here, slug), await has(here, slug)]).toEqual([
        undefined,
        [],
        false,
      ])
      expect((await tenantIn(here, slug, placement)).state).toBe('active')
    }
  })

  it('keeps what was begun when there is an outage, and the same call finishes it', async () => {
    const here = await openInstallation(env)
    const outage = createTenant(here.catalog, here.prefix, wish('outage'), () =>
      Promise.reject(new Failure('UNAVAILABLE', 'away')),
    )
    await expect(outage).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await rowOf(here, 'outage')).toMatchObject({ state: 'provisioning', claimed_by: null, token_hash: null })
    const { tenant } = await createTenant(here.catalog, here.prefix, wish('outage'), nothing)
    expect(tenant.state).toBe('active')
  })

  it.each([
    ['has ended', () => `${thisHost()}:${2 ** 22 + 1}:token`, 0],
    ['is not heard of', () => 'elsewhere:1:token', -120_000],
  ])('finishes what a process began that %s', async (what, holder, ageMs) => {
    const here = await openInstallation(env)
    const slug = what.replaceAll(' ', '-')
    await createTenant(here.catalog, here.prefix, wish(slug), () => Promise.reject(new Failure('UNAVAILABLE', 'away'))).catch(
      () => {},
    )
    await here.catalog.kysely
      .updateTable('tenants')
      .set({ claimed_by: holder(), claimed_at: Date.now() + ageMs })
      .where('slug', '=', slug)
      .execute()
    expect((await tenantIn(here, slug)).state).toBe('active')
  })

  it('leaves alone what another process is at', async () => {
    const here = await openInstallation(env)
    await createTenant(here.catalog, here.prefix, wish('at-work'), () =>
      Promise.reject(new Failure('UNAVAILABLE', 'away')),
    ).catch(() => {})
    await here.catalog.kysely
      .updateTable('tenants')
      .set({ claimed_by: 'elsewhere:1:token', claimed_at: Date.now() })
      .where('slug', '=', 'at-work')
      .execute()
    await expect(tenantIn(here, 'at-work')).rejects.toMatchObject({
      code: 'TENANT_EXISTS',
      message: 'tenant at-work is being created by another process',
    })
  })

  it('gives way when its creation was taken over, and takes nothing away from the other', async () => {
    const here = await openInstallation(env)
    const overtaken = createTenant(here.catalog, here.prefix, wish('overtaken'), async () => {
      await here.catalog.kysely.updateTable('tenants').set({ claimed_by: null }).where('slug', '=', 'overtaken').execute()
      await tenantIn(here, 'overtaken')
      throw new Failure('URL_INVALID', 'too late')
    })
    await expect(overtaken).rejects.toMatchObject({ code: 'URL_INVALID' })
    expect([(await rowOf(here, 'overtaken'))?.state, await has(here, 'overtaken')]).toEqual(['active', true])
    const late = createTenant(here.catalog, here.prefix, wish('late'), async () => {
      await here.catalog.kysely.updateTable('tenants').set({ claimed_by: null }).where('slug', '=', 'late').execute()
      await tenantIn(here, 'late')
    })
    await expect(late).rejects.toMatchObject({ code: 'TENANT_EXISTS' })
  })

  it('does not bring back a tenant that is deleted while it is created', async () => {
    const here = await openInstallation(env)
    const deleted = createTenant(here.catalog, here.prefix, wish('deleted'), async () => {
      await markDeleted(here.catalog, parseSlug('deleted'), 0, ['provisioning'])
    })
    await expect(deleted).rejects.toMatchObject({ code: 'TENANT_EXISTS' })
    expect((await getTenant(here.catalog, parseSlug('deleted'))).state).toBe('deleting')
  })

  it('removes what a database that was left over has of a tenant that is gone', async () => {
    const here = await openInstallation(env)
    const old = await tenantIn(here, 'left-over')
    await addFeeds(here.catalog, old, [{ url: 'https://example.com/left-over.xml', title: null }])
    const residents = () => tenantsIn(here.catalog, old.placement, 'residents', 0)
    const feedsOf = (id: Tenant['id']) =>
      withTenant(here.catalog, { ...old, id }, tables => tables.feeds().select('url').execute())
    // With and without tables by the catalog: a database that was restored, and a placement that was.
    for (const schema_version of [0, old.schemaVersion]) {
      const [before = 0] = await residents()
      await here.catalog.kysely.deleteFrom('tenants').where('slug', '=', 'left-over').execute()
      await here.catalog.kysely
        .updateTable('placements')
        .set({ schema_version })
        .where('database_name', '=', old.placement.database)
        .execute()
      const taken = await tenantIn(here, 'left-over')
      expect([await residents(), await feedsOf(before as Tenant['id'])]).toEqual([[taken.id], []])
      await addFeeds(here.catalog, taken, [{ url: 'https://example.com/left-over.xml', title: null }])
    }
  })

  it('refuses a database that holds anything else, and does not touch it', async () => {
    const here = await openInstallation(env)
    const name = dedicatedDatabase(here.prefix, parseSlug('foreign'))
    await here.catalog.server.create(name)
    const create = 'create table theirs (word varchar(20))'
    await here.catalog.server.use<{ theirs: { word: string } }, void>(name, async database => {
      await raw(database.kysely, create.replace('theirs', database.qualify('theirs')))
      await insertRows(database, 'theirs', [{ word: 'kept' }])
    })
    await expect(tenantIn(here, 'foreign')).rejects.toMatchObject({ code: 'DATABASE_TAKEN' })
    const kept = await here.catalog.server.use<{ theirs: { word: string } }, unknown>(name, ({ kysely }) =>
      kysely.selectFrom('theirs').selectAll().execute(),
    )
    expect([kept, await rowOf(here, 'foreign'), await readyPlacementsOf(here, 'foreign')]).toEqual([
      [{ word: 'kept' }],
      undefined,
      [],
    ])
  })

  it('refuses the database of another catalog, and one that a later version migrated, and drops neither', async () => {
    const here = await openInstallation(env)
    for (const [slug, row, code] of [
      ['theirs', { version: 1, catalog_id: 'another' }, 'DATABASE_TAKEN'],
      ['newer', { version: 99, catalog_id: here.catalog.id }, 'SCHEMA_NEWER'],
    ] as const) {
      const tenant = await tenantIn(here, slug)
      await here.catalog.server.use<TenantSchema, void>(tenant.placement.database, async database => {
        await raw(database.kysely, `delete from ${database.qualify('feedctl_migrations')}`)
        await insertRows(database, 'feedctl_migrations', [{ ...row, applied_at: 1 }])
      })
      await here.catalog.kysely.deleteFrom('tenants').where('slug', '=', slug).execute()
      await here.catalog.kysely.deleteFrom('placements').where('database_name', '=', tenant.placement.database).execute()
      await expect(tenantIn(here, slug)).rejects.toMatchObject({ code })
      expect([await has(here, slug), await rowOf(here, slug)]).toEqual([true, undefined])
    }
  })

  it('never makes the catalog a tenant, whatever the slug', async () => {
    const here = await openInstallation(env)
    const catalogs = { ...here.catalog, name: parseDatabaseName(`${here.prefix}CATALOG`) }
    await expect(createTenant(catalogs, here.prefix, wish('catalog'), nothing)).rejects.toMatchObject({ code: 'DATABASE_TAKEN' })
    expect([await has(here, 'catalog'), await rowOf(here, 'catalog')]).toEqual([false, undefined])
  })

  it('creates many, one failure not stopping the others, and counts those that exist', async () => {
    const here = await openInstallation(env)
    await here.catalog.server.create(dedicatedDatabase(here.prefix, parseSlug('m-3')))
    await here.catalog.server.use(dedicatedDatabase(here.prefix, parseSlug('m-3')), ({ kysely, qualify }) =>
      raw(kysely, `create table ${qualify('x' as never)} (a int)`),
    )
    const slugs = Array.from({ length: 12 }, (_, n) => `m-${n}`)
    await tenantIn(here, 'm-5')
    const seen: number[] = []
    const report = await createTenants(
      here.catalog,
      here.prefix,
      slugs.map(slug => wish(slug)),
      { progress: done => seen.push(done) },
    )
    expect(report.tenants).toEqual({ total: 12, created: 10, existing: 1, failed: 1 })
    expect(report.failures).toMatchObject([{ slug: 'm-3', code: 'DATABASE_TAKEN' }])
    expect(seen.at(-1)).toBe(12)
    const again = await createTenants(
      here.catalog,
      here.prefix,
      slugs.map(slug => wish(slug)),
      {},
    )
    expect(again.tenants).toEqual({ total: 12, created: 0, existing: 11, failed: 1 })
  })

  it('lets nobody resume what was never finished', async () => {
    const here = await openInstallation(env)
    await createTenant(here.catalog, here.prefix, wish('unfinished'), () =>
      Promise.reject(new Failure('UNAVAILABLE', 'away')),
    ).catch(() => {})
    await expect(markDeleted(here.catalog, parseSlug('unfinished'), 0)).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
    await expect(
      changeState(here.catalog, parseSlug('unfinished'), ['active', 'suspended', 'deleting'], 'active'),
    ).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
  })
})

const thisHost = () => thisMachine()

function raw<Schema>(kysely: Kysely<Schema>, text: string): Promise<unknown> {
  return sql.raw(text).execute(kysely)
}
