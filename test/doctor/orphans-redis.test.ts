import { afterAll, beforeAll, expect, it } from 'vitest'
import type { App } from '../../src/app.js'
import { tenantKey } from '../../src/caches/tenant-keys.js'
import { syncTenantFeeds } from '../../src/jobs.js'
import { parseSlug, type TenantId } from '../../src/tenants/ids.js'
import { getTenant } from '../../src/tenants/tenant.js'
import { Installation } from '../e2e/installation.js'
import { sharedMariadbEnv, sharedRedisEnv, type TestEnv } from '../support/drivers.js'

let installation: Installation
let app: App
beforeAll(async () => {
  const drivers = { DB_CONNECTION: 'mysql', CACHE_DRIVER: 'redis', QUEUE_CONNECTION: 'redis' }
  installation = await Installation.create({ ...drivers, ...sharedMariadbEnv(), ...sharedRedisEnv() } as TestEnv)
  app = await installation.open()
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await installation[Symbol.asyncDispose]()
})

const signal = new AbortController().signal
const NOTHING = 'ok nothing is left of tenants that are gone'

/** What the doctor says of what is left in Redis. */
async function left(...flags: string[]): Promise<{ keys: string | undefined; jobs: string | undefined }> {
  const { out } = await installation.run(['doctor', ...flags, '--json'])
  const { findings } = JSON.parse(out) as { findings: { id: string; severity: string; evidence: string }[] }
  const said = new Map(findings.map(({ id, severity, evidence }) => [id, `${severity} ${evidence}`]))
  return { keys: said.get('orphans.keys'), jobs: said.get('orphans.jobs') }
}

/** A tenant with two answers that are kept, a job that waits and one that is delayed. */
async function furnished(slug: string): Promise<TenantId> {
  await installation.createTenant(slug, [], ['--placement', 'shared'])
  const { id } = await getTenant(app.catalog, parseSlug(slug))
  const { far } = await app.shared()
  await far?.put(tenantKey('answer', id, 1, 'of-a-page'), Buffer.from('kept'), 600)
  await far?.put(tenantKey('answer', id, 1, 'of-another'), Buffer.from('kept'), 600)
  const sync = syncTenantFeeds(id)
  const queue = await app.queue(signal)
  await queue.add([sync, { ...sync, dedupeId: `${sync.dedupeId}:later`, delayMs: 600_000 }])
  return id
}

async function keysOf(id: TenantId): Promise<number> {
  const { far } = await app.shared()
  const kept = await Promise.all(['of-a-page', 'of-another'].map(page => far?.get(tenantKey('answer', id, 1, page))))
  return kept.filter(found => found != null).length
}

async function jobsOf(id: TenantId): Promise<number> {
  let jobs = 0
  for await (const page of (await app.desk()).tenants()) jobs += page.filter(each => each === id).length
  return jobs
}

it('keys and jobs in Redis of a tenant that is gone are found, and --fix removes them and nothing of the neighbour', async () => {
  const [gone, kept] = [await furnished('gone'), await furnished('gone-2')]
  expect(await left()).toEqual({ keys: NOTHING, jobs: NOTHING })
  await app.catalog.kysely.deleteFrom('tenants').where('id', '=', gone).execute()
  const told = `warn 1 tenant without a tenant: tenant ${gone}`
  expect(await left()).toEqual({ keys: told, jobs: told })
  expect([await keysOf(gone), await jobsOf(gone)], 'nothing goes without --fix').toEqual([2, 2])
  expect(await left('--fix', '--yes')).toEqual({ keys: NOTHING, jobs: NOTHING })
  expect([await keysOf(gone), await jobsOf(gone)]).toEqual([0, 0])
  expect([await keysOf(kept), await jobsOf(kept)]).toEqual([2, 2])
})
