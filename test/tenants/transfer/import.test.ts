import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { Failure } from '../../../src/kernel/errors.js'
import { type PlacementKind, TENANT_TABLES, type TenantSchema } from '../../../src/tenants/databases/index.js'
import { dedicatedDatabase, parseSlug } from '../../../src/tenants/ids.js'
import { createTenants } from '../../../src/tenants/provision.js'
import { countRows } from '../../../src/tenants/removal/rows.js'
import { withTenant } from '../../../src/tenants/tables.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { findByToken } from '../../../src/tenants/tokens.js'
import { SECTIONS } from '../../../src/tenants/transfer/sections.js'
import { temporaryFolder } from '../../support/folders.js'
import { describeDatabases, type Installation, openInstallation, tenantIn, wish } from '../installation.js'
import { furnish, ODD } from './furnish.js'
import { comparable, exported, imported, linesOf, rowsOf, rowsOfTenant, sealed, strays, summed, wishFor } from './ground.js'
import { importElsewhere } from './importers.js'

const countsOf = ({ catalog }: Installation, tenant: Tenant) => withTenant(catalog, tenant, countRows)

describeDatabases('importing a tenant', (env, kind) => {
  const PAIRS = [
    ['dedicated', 'shared'],
    ['shared', 'dedicated'],
    ['shared', 'shared'],
    ['dedicated', 'dedicated'],
  ] as const

  it.each(PAIRS)('brings every row back as it was, from %s to %s', async (from, to) => {
    const here = await openInstallation(env)
    const slug = `from-${from}-${to}`
    const tenant = await tenantIn(here, slug, from)
    await furnish(here.catalog, tenant)
    await here.catalog.kysely
      .updateTable('tenants')
      .set({ keep_days: 30, media_types: 'image/png,audio/*' })
      .where('id', '=', tenant.id)
      .execute()
    const path = await exported(here, (await rowsOfTenant(here, slug)) as Tenant)
    const back = await imported(here, wishFor(path, `to-${from}-${to}`, to))
    expect(back.tenant).toMatchObject({
      state: 'active',
      name: slug,
      keepDays: 30,
      mediaTypes: ['image/png', 'audio/*'],
      placement: { kind: to },
    })
    expect(await findByToken(here.catalog, back.token)).toMatchObject({ tenant: { id: back.tenant.id } })
    expect(comparable(await exported(here, back.tenant))).toEqual(comparable(path))
    expect(back.media).toEqual({ files: 2, bytes: 2 ** 34, fetchedAgain: 2 })
    const links = await withTenant(here.catalog, back.tenant, tables =>
      tables.mediaLinks().select(['post_id', 'state', 'media_id']).orderBy('post_id').execute(),
    )
    expect(links.map(link => [link.state, link.media_id])).toEqual([
      ['waiting', null],
      ['waiting', null],
      ['failed', null],
      ['refused', null],
    ])
  })

  it(`brings a tenant over from the other kind of database, and back`, async () => {
    const here = await openInstallation(env)
    const there = await openInstallation({
      ...env,
      ...(kind === 'mysql' ? { DB_CONNECTION: 'sqlite' } : {}),
      FEEDCTL_DATA: temporaryFolder(),
    })
    const tenant = await tenantIn(here, 'traveller', 'shared')
    await furnish(here.catalog, tenant)
    const first = await exported(here, tenant)
    const away = await imported(there, wishFor(first, 'traveller'))
    const second = await exported(there, away.tenant)
    expect(comparable(second)).toEqual(comparable(first))
    const home = await imported(here, wishFor(second, 'traveller-back', 'shared'))
    expect(comparable(await exported(here, home.tenant))).toEqual(comparable(first))
    const feeds = await withTenant(there.catalog, away.tenant, tables =>
      tables.feeds().select(['url', 'source_id', 'title']).orderBy('id').execute(),
    )
    const sources = await there.catalog.kysely.selectFrom('sources').select(['id', 'url']).execute()
    expect(feeds.map(feed => sources.find(source => source.id === feed.source_id)?.url)).toEqual(feeds.map(feed => feed.url))
    expect(feeds[0]?.title).toBe(ODD)
  })

  it('gives a feed its own source where its URL was merged into another that the tenant has as well', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'merged')
    await furnish(here.catalog, tenant)
    const path = await exported(here, tenant)
    const [a, b] = await here.catalog.kysely
      .selectFrom('sources')
      .select('id')
      .where('url', 'like', 'https://example.com/%')
      .orderBy('id')
      .execute()
    await here.catalog.kysely
      .updateTable('sources')
      .set({ merged_into: a?.id ?? 0 })
      .where('id', '=', b?.id ?? 0)
      .execute()
    const back = await imported(here, wishFor(path, 'merged-2')).finally(() =>
      here.catalog.kysely.updateTable('sources').set({ merged_into: null }).execute(),
    )
    const feeds = await withTenant(here.catalog, back.tenant, tables =>
      tables.feeds().select('source_id').orderBy('id').execute(),
    )
    expect(feeds.map(feed => feed.source_id)).toEqual([a?.id, b?.id])
  })

  it('takes a file of an earlier schema, and reads null for what it did not know', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'early')
    await furnish(here.catalog, tenant, 4)
    const kept: string[] = []
    let columns: string[] = []
    let table = ''
    for (const line of linesOf(await exported(here, tenant))) {
      const value = JSON.parse(line)
      const section = SECTIONS.find(one => one.table === (value.table ?? value.end ?? table))
      table = value.table ?? table
      if (section !== undefined && section.since > 1) continue
      if (value.table !== undefined) columns = value.columns
      const old = (names: readonly unknown[]) => names.filter((_, index) => (section?.later[columns[index] ?? ''] ?? 1) <= 1)
      if (value.feedctl !== undefined) kept.push(line.replace(/"schema":\d+/, '"schema":1'))
      else if (value.table !== undefined) kept.push(JSON.stringify({ ...value, columns: old(value.columns) }))
      else if (Array.isArray(value)) kept.push(JSON.stringify(old(value)))
      else kept.push(line)
    }
    const back = await imported(here, wishFor(sealed(summed(kept)), 'early-2'))
    expect(back.rows).toMatchObject({ feeds: 2, posts: 4, media_links: 0, events: 0 })
    const feeds = await withTenant(here.catalog, back.tenant, tables =>
      tables.feeds().select(['keep_days', 'alert', 'version']).orderBy('id').execute(),
    )
    expect(feeds[0]).toMatchObject({ keep_days: null, alert: null, version: expect.any(String) })
  })

  it('has every column that tenants have', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'columns')
    await here.catalog.server.use<TenantSchema, void>(tenant.placement.database, async database => {
      for (const table of TENANT_TABLES) {
        if (table === 'residents') continue
        const section = SECTIONS.find(one => one.table === table)
        const found =
          kind === 'sqlite'
            ? await sql<{ name: string }>`select name from pragma_table_xinfo(${table})`.execute(database.kysely)
            : await sql<{
                name: string
              }>`select column_name as name from information_schema.columns where table_schema = ${tenant.placement.database} and table_name = ${table}`.execute(
                database.kysely,
              )
        const names = found.rows.map(row => row.name).filter(name => !['tenant_id', 'sort_at', 'source_id'].includes(name))
        expect(names.toSorted(), table).toEqual(Object.keys(section?.columns ?? {}).toSorted())
      }
    })
  })

  it.each([
    'dedicated',
    'shared',
  ] as const)('shows nothing of an import that a database went away from, and the same call begins it anew (%s)', async placement => {
    const here = await openInstallation(env)
    const tenant = (await rowsOfTenant(here, 'cut')) ?? (await tenantIn(here, 'cut', 'shared'))
    await furnish(here.catalog, tenant, 6).catch(() => {})
    const path = await exported(here, tenant)
    const slug = `cut-${placement}`
    let failures = 0
    const parts = {
      cleanContent: (html: string) => {
        if (failures++ === 3) throw new Failure('UNAVAILABLE', 'the database is away')
        return html
      },
    }
    await expect(imported(here, wishFor(path, slug, placement), parts)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await rowsOf(here, slug)).toMatchObject({ state: 'provisioning', token_hash: null })
    const back = await imported(here, wishFor(path, slug, placement))
    expect(comparable(await exported(here, back.tenant))).toEqual(comparable(path))
    expect(await strays(here)).toEqual([])
  })

  /** A process that has written half of a file of the tenant: alive, and waiting. */
  const half = async (here: Installation, slug: string, placement: PlacementKind) => {
    const tenant = (await rowsOfTenant(here, 'many')) ?? (await tenantIn(here, 'many', 'shared'))
    if ((await countsOf(here, tenant)).posts === 0) await furnish(here.catalog, tenant, 4_000)
    const path = await exported(here, tenant)
    const importer = importElsewhere(env, { path, slug, placement })
    const rows = async () => {
      const made = await rowsOfTenant(here, slug)
      return made === null ? null : await countsOf(here, made).catch(() => null)
    }
    await expect.poll(async () => (await rows())?.posts ?? 0).toBeGreaterThan(0)
    // It renews its claim with whatever it writes: by then it waits.
    let renewed: number | null | undefined = 0
    const waits = async () => {
      const before = renewed
      renewed = (await rowsOf(here, slug))?.claimed_at
      return renewed === before
    }
    await expect.poll(waits, { interval: 1_000 }).toBe(true)
    expect(await rowsOf(here, slug)).toMatchObject({ state: 'provisioning', token_hash: null })
    return { importer, path }
  }

  it.each(['dedicated', 'shared'] as const)('begins anew what a killed process had half imported (%s)', async placement => {
    const here = await openInstallation(env)
    const { importer, path } = await half(here, `killed-${placement}`, placement)
    await importer.kill()
    expect(await rowsOf(here, `killed-${placement}`)).toMatchObject({ state: 'provisioning', token_hash: null })
    const back = await imported(here, { ...wishFor(path, `killed-${placement}`, placement), name: 'Anew' })
    expect(back.tenant.name).toBe('Anew')
    expect(comparable(await exported(here, back.tenant))).toEqual(comparable(path))
    expect(await strays(here)).toEqual([])
  })

  it.each([
    'dedicated',
    'shared',
  ] as const)('gives way to another that took it over, and takes nothing from it (%s)', async placement => {
    const here = await openInstallation(env)
    const { importer, path } = await half(here, `over-${placement}`, placement)
    await here.catalog.kysely.updateTable('tenants').set({ claimed_at: 1 }).where('slug', '=', `over-${placement}`).execute()
    const back = await imported(here, wishFor(path, `over-${placement}`, placement))
    expect(await importer.goOn()).toBe('TENANT_EXISTS')
    expect(comparable(await exported(here, back.tenant))).toEqual(comparable(path))
  })

  it('leaves nothing of half an import to the tenant that many are created with', async () => {
    const here = await openInstallation(env)
    const { importer } = await half(here, 'bare', 'shared')
    await importer.kill()
    await here.catalog.kysely.updateTable('tenants').set({ keep_days: 9 }).where('slug', '=', 'bare').execute()
    const wanted = [wish('bare', 'shared'), wish('bare-2', 'shared')]
    const { tenants } = await createTenants(here.catalog, here.prefix, wanted, {})
    expect(tenants).toEqual({ total: 2, created: 2, existing: 0, failed: 0 })
    const made = (await rowsOfTenant(here, 'bare')) as Tenant
    expect(made).toMatchObject({ state: 'active', name: 'bare', keepDays: null })
    expect(new Set(Object.values(await countsOf(here, made)))).toEqual(new Set([0]))
  })

  it('is not begun anew in another place than it was, and leaves nothing when it is refused the second time', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'again', 'shared')
    await furnish(here.catalog, tenant, 6)
    const path = await exported(here, tenant)
    const refusing = (code: 'UNAVAILABLE' | 'URL_INVALID') => ({
      cleanContent: () => {
        throw new Failure(code, 'no')
      },
    })
    for (const [placement, other] of [
      ['shared', 'dedicated'],
      ['dedicated', 'shared'],
    ] as const) {
      const slug = `again-${placement}`
      const wanted = wishFor(path, slug, placement)
      await expect(imported(here, wanted, refusing('UNAVAILABLE'))).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      for (const elsewhere of [{ placement: other }, { host: 'db9' }])
        await expect(imported(here, { ...wanted, ...elsewhere })).rejects.toMatchObject({
          code: 'TENANT_EXISTS',
          hint: expect.stringContaining(`--placement ${placement} --host default`),
        })
      const many = await createTenants(here.catalog, here.prefix, [wish(slug, other)], {})
      expect(many.tenants).toEqual({ total: 1, created: 0, existing: 0, failed: 1 })
      await expect(imported(here, wanted, refusing('URL_INVALID'))).rejects.toMatchObject({ code: 'URL_INVALID' })
      expect(await rowsOf(here, slug)).toBeUndefined()
    }
    expect(await here.catalog.server.has(dedicatedDatabase(here.prefix, parseSlug('again-dedicated')))).toBe(false)
    expect(await strays(here)).toEqual([])
  })

  it('leaves a tenant that is there as it is', async () => {
    const here = await openInstallation(env)
    const tenant = await tenantIn(here, 'taken', 'shared')
    await furnish(here.catalog, tenant, 3)
    const path = await exported(here, tenant)
    const before = comparable(path)
    await expect(imported(here, wishFor(path, 'taken', 'shared'))).rejects.toMatchObject({ code: 'TENANT_EXISTS' })
    expect(comparable(await exported(here, tenant))).toEqual(before)
  })
})
