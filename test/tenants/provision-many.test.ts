import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { Failure } from '../../src/kernel/errors.js'
import type { TenantSchema } from '../../src/tenants/databases/index.js'
import { dedicatedDatabase, parseDatabaseName, parseSlug } from '../../src/tenants/ids.js'
import { createTenants } from '../../src/tenants/provision.js'
import { withTenant } from '../../src/tenants/tables.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { describeDatabases, openInstallation, wish } from './installation.js'

describeDatabases('creating many tenants', env => {
  it('finishes many that were killed before it was written whose their databases are', async () => {
    const here = await openInstallation(env)
    const many = Array.from({ length: 5 }, (_, n) => wish(`unsettled-${n}`))
    await createTenants(here.catalog, here.prefix, many, {})
    for (const { slug } of many) {
      const { id } = await getTenant(here.catalog, slug)
      const name = dedicatedDatabase(here.prefix, slug)
      await here.catalog.server.use<TenantSchema, void>(name, async ({ kysely, qualify }) => {
        await sql.raw(`delete from ${qualify('feedctl_migrations')}`).execute(kysely)
        await kysely.deleteFrom('residents').where('tenant_id', '=', id).execute()
      })
      await here.catalog.kysely.updateTable('tenants').set({ state: 'provisioning' }).where('id', '=', id).execute()
      const placements = here.catalog.kysely.updateTable('placements').where('database_name', '=', name)
      await placements.set({ schema_version: 0 }).execute()
    }
    expect((await createTenants(here.catalog, here.prefix, many, {})).tenants).toMatchObject({ created: 5, failed: 0 })
    for (const { slug } of many) {
      const added = await addFeeds(here.catalog, await getTenant(here.catalog, slug), [
        { url: 'https://a.example/', title: null },
      ])
      expect(added.added).toHaveLength(1)
    }
  })

  it('creates the others of many when the database of one is gone before its ledger is written', async () => {
    const here = await openInstallation(env)
    const many = Array.from({ length: 5 }, (_, n) => wish(`vanishing-${n}`))
    const gone = dedicatedDatabase(here.prefix, parseSlug('vanishing-3'))
    let uses = 0
    const server: typeof here.catalog.server = new Proxy(here.catalog.server, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target)
        if (key !== 'use') return typeof value === 'function' ? value.bind(target) : value
        return async (name: string, ...rest: [never]) => {
          if (name === gone && ++uses > 1) throw new Failure('SCHEMA_MISSING', 'gone')
          return target.use(parseDatabaseName(name), ...rest)
        }
      },
    })
    const hosts = { ...here.catalog.hosts, serverOf: async () => server }
    const report = await createTenants({ ...here.catalog, hosts }, here.prefix, many, {})
    expect(report.tenants).toEqual({ total: 5, created: 4, existing: 0, failed: 1 })
    expect(report.failures).toMatchObject([{ slug: 'vanishing-3', code: 'SCHEMA_MISSING' }])
    const [neighbour] = await withTenant(here.catalog, await getTenant(here.catalog, parseSlug('vanishing-4')), async tables => [
      await tables.transaction(tx => tx.takeIds('posts', 1)),
    ])
    expect(neighbour).toBeGreaterThan(0)
  })

  it('stops between chunks when told, and the same call finishes', async () => {
    const here = await openInstallation(env)
    const stop = new AbortController()
    const many = Array.from({ length: 1_200 }, (_, n) => wish(`s-${n}`, 'shared'))
    const half = createTenants(here.catalog, here.prefix, many, {
      signal: stop.signal,
      progress: () => stop.abort(new Failure('INTERRUPTED', 'enough')),
    })
    await expect(half).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect((await createTenants(here.catalog, here.prefix, many, {})).tenants).toEqual({
      total: 1_200,
      created: 200,
      existing: 1_000,
      failed: 0,
    })
  })
})
