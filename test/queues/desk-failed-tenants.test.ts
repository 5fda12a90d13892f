import { expect, test } from 'vitest'
import { failedTenants } from '../../src/feeds/failed-tenants.js'
import { emptyTenantReport } from '../../src/feeds/report.js'
import { insertRows } from '../../src/tenants/databases/index.js'
import { Installation } from '../e2e/installation.js'
import { sharedMariadbEnv, type TestEnv } from '../support/drivers.js'

const TENANTS = 450

test.each<[string, () => TestEnv]>([
  ['sqlite', () => ({})],
  ['mysql', () => sharedMariadbEnv()],
])('on %s the tenants whose newest sync failed are told once each, newest first, with the newest reason', async (_, env) => {
  await using installation = await Installation.create(env())
  await installation.createTenant('acme', [])
  await using app = await installation.open()
  const { kysely, database } = app.catalog
  const { id: _id, ...like } = await kysely.selectFrom('tenants').selectAll().executeTakeFirstOrThrow()
  const standing = (n: number) => ({
    slug: `acme-${n}`,
    // Many end in the same moment.
    synced_at: 1_000 + Math.floor(n / 300),
    sync_failures: n % 3 === 0 ? 0 : n % 3,
    state: n === 4 ? ('suspended' as const) : ('active' as const),
  })
  const rows = Array.from({ length: TENANTS }, (_, n) => ({ ...like, token_hash: null, ...standing(n) }))
  await insertRows(database, 'tenants', rows)
  const tenants = await kysely.selectFrom('tenants').select(['id', 'slug', 'sync_failures']).where('slug', '<>', 'acme').execute()
  const failure = (message: string) => JSON.stringify({ ...emptyTenantReport(), failure: { code: 'UNAVAILABLE', message } })
  const part = (run: string, tenant: number, message: string, at: number) => {
    return { run_id: run, tenant_id: tenant, state: 'failed' as const, report: failure(message), finished_at: at }
  }
  const failing = tenants.filter(tenant => tenant.sync_failures > 0)
  await insertRows(
    database,
    'run_tenants',
    failing
      .filter(({ slug }) => slug !== 'acme-1')
      .flatMap(({ id, slug }) => [part('a', id, 'older', 5), part('b', id, slug, 6)]),
  )

  const told: { id: number; reason: string; failures: number; failedAt: number }[] = []
  for await (const tenant of failedTenants(app.catalog)) told.push(tenant)
  const expected = failing.filter(({ slug }) => slug !== 'acme-4')
  expect(told.length).toBe(expected.length)
  expect(told.length).toBeGreaterThan(250)
  expect(told.map(tenant => tenant.failedAt)).toEqual(told.map(tenant => tenant.failedAt).sort((a, b) => b - a))
  expect(new Map(told.map(({ id, reason, failures }) => [id, [reason, failures]]))).toEqual(
    new Map(
      expected.map(({ id, slug, sync_failures }) => {
        const reason = slug === 'acme-1' ? expect.stringContaining('is not kept any more') : `UNAVAILABLE: ${slug}`
        return [id, [reason, sync_failures]]
      }),
    ),
  )
})
