import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { beginRun, lastRun, notePlacementBegun, wasReached } from '../../../src/tenants/migrating/ledger.js'
import { markDeleted } from '../../../src/tenants/removal.js'
import { withTenant } from '../../../src/tenants/tables.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { REMOVAL_BEGUN } from '../../../src/tenants/tenant.js'
import { dropDatabases, type TestEnv } from '../../support/drivers.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../installation.js'
import { onServer, serverWith } from '../servers.js'
import { addRows, earlierTenant, LATEST, mend, migrating, setVersion, slug, spoil, TOMORROW, urlsOf, versionOf } from './fleet.js'

const NEXT = LATEST + 1

describeDatabases('a migration of the databases of tenants', env => {
  const fleet = async (count: number) => {
    const here = await openInstallation(env)
    const tenants: Tenant[] = []
    for (let number = 1; number <= count; number++) tenants.push(await tenantIn(here, `t-${number}`))
    return { here, tenants }
  }
  /** Everything of the test before. */
  beforeEach(async () => {
    const here = await openInstallation(env)
    const { server, kysely } = here.catalog
    for (const { database_name } of await kysely.selectFrom('placements').select('database_name').execute())
      await server.drop(database_name as never)
    for (const table of ['tenants', 'placements', 'migration_runs', 'migration_placements'] as const)
      await kysely.deleteFrom(table).execute()
  })
  const versions = (here: Installation, tenants: readonly Tenant[]) => Promise.all(tenants.map(one => versionOf(here, one)))
  const rowsOf = (here: Installation) =>
    here.catalog.kysely
      .selectFrom('migration_placements')
      .innerJoin('placements', 'placements.id', 'placement_id')
      .select(['database_name', 'state', 'from_version', 'failure_code'])
      .orderBy('placement_id')
      .execute()

  it('brings every database to the newest schema, each once, and says of each how long it took', async () => {
    const { here, tenants } = await fleet(3)
    const old = await earlierTenant(here, 'old')
    const shared = [await tenantIn(here, 's-1', 'shared'), await tenantIn(here, 's-2', 'shared')]
    const report = await migrating(here)
    expect(report).toMatchObject({ to: NEXT, stopped: null, resumed: false, failures: [] })
    expect(report.databases).toEqual({ total: 5, migrated: 5, upToDate: 0, failed: 0, notTried: 0, ahead: 0 })
    expect(report.tenants).toEqual({ total: 6, migrated: 6, upToDate: 0, failed: 0, notTried: 0, ahead: 0 })
    expect(report.placements.map(({ tenant, tenants: many, from, to }) => [tenant, many, from, to]).toSorted()).toEqual(
      [...tenants.map(({ slug: own }) => [own, 1, LATEST, NEXT]), ['old', 1, 1, NEXT], [null, 2, LATEST, NEXT]].toSorted(),
    )
    expect(report.placements.every(({ durationMs }) => durationMs >= 0)).toBe(true)
    expect(await versions(here, [...tenants, old, ...shared])).toEqual(Array(6).fill(NEXT))
    expect(await urlsOf(here, old)).toEqual(['https://1.example/', 'https://2.example/'])
    expect((await rowsOf(here)).every(row => row.state === 'ok')).toBe(true)
    expect(await lastRun(here.catalog)).toMatchObject({ id: report.runId, state: 'done', toVersion: NEXT })
  })

  it('with nothing to do asks no database, and begins no run', async () => {
    const { here } = await fleet(2)
    await migrating(here)
    const run = await lastRun(here.catalog)
    const refuse = () => Promise.reject(new Error('a database was asked'))
    const closed = serverWith(here.catalog.server, {
      use: refuse,
      snapshot: refuse,
      hold: refuse,
      create: refuse,
      has: refuse,
      isEmpty: refuse,
      names: refuse,
    })
    const catalog = { ...onServer(here.catalog, closed), server: closed }
    const report = await migrating({ ...here, catalog })
    expect(report).toMatchObject({ runId: null, waves: 0, tenants: { total: 2, upToDate: 2, migrated: 0 } })
    expect(await lastRun(here.catalog)).toEqual(run)
  })

  it('leaves those alone that are being made or removed', async () => {
    const { here, tenants } = await fleet(3)
    const [making, removing, ready] = tenants as [Tenant, Tenant, Tenant]
    await setVersion(here, making, 0)
    await markDeleted(here.catalog, removing.slug, 1)
    await here.catalog.kysely.updateTable('tenants').set({ delete_after: REMOVAL_BEGUN }).where('id', '=', removing.id).execute()
    await here.catalog.server.drop(removing.placement.database)
    const report = await migrating(here)
    expect(report).toMatchObject({ stopped: null, databases: { total: 1, migrated: 1, failed: 0, notTried: 0 } })
    expect(await versions(here, [making, ready])).toEqual([0, NEXT])
    expect((await lastRun(here.catalog))?.state).toBe('done')
  })

  it('tries no other database after a canary that failed', async () => {
    const here = await openInstallation(env)
    const bad = await spoil(here, 'bad')
    const others = [await tenantIn(here, 'one'), await tenantIn(here, 'two')]
    const report = await migrating(here, { options: { canary: 2 } })
    expect(report).toMatchObject({ stopped: 'canary', waves: 1, databases: { migrated: 0, failed: 1, notTried: 2 } })
    expect(report.failures).toMatchObject([{ tenant: 'bad', code: 'MIGRATION_FAILED', from: LATEST, to: LATEST }])
    expect(await versions(here, [bad, ...others])).toEqual([LATEST, LATEST, LATEST])
    expect((await lastRun(here.catalog))?.state).toBe('stopped')
  })

  it('takes tenants with a database of their own for canaries before a shared one', async () => {
    const here = await openInstallation(env)
    const shared = await tenantIn(here, 'many', 'shared')
    await addRows(here, shared, ['https://same.example/', 'https://same.example/'])
    const own = await tenantIn(here, 'own')
    const report = await migrating(here, { options: { canary: 1, failureBudget: { count: 0 } } })
    expect(report).toMatchObject({ databases: { migrated: 1, failed: 1 }, stopped: null, waves: 2 })
    expect(await versions(here, [own, shared])).toEqual([NEXT, LATEST])
  })

  it('stops when more failed than may, and goes on when it is told to: done ones are passed over, failed ones come last', async () => {
    const { here, tenants } = await fleet(1)
    const bad = [await spoil(here, 'x-1'), await spoil(here, 'x-2')]
    for (const name of ['y-1', 'y-2', 'y-3']) tenants.push(await tenantIn(here, name))
    const first = await migrating(here, { options: { failureBudget: { count: 1 }, concurrency: 1 } })
    expect(first).toMatchObject({ stopped: 'failures', databases: { migrated: 1, failed: 2, notTried: 3 } })
    await expect(migrating(here, { which: 'rest', options: { failureBudget: { count: 0 } } })).resolves.toMatchObject({
      runId: first.runId,
      resumed: true,
      databases: { migrated: 3, failed: 1, notTried: 1 },
    })
    for (const one of bad) await mend(here, one)
    const last = await migrating(here, { which: 'rest' })
    expect(last).toMatchObject({ runId: first.runId, stopped: null, databases: { upToDate: 4, migrated: 2, failed: 0 } })
    expect((await rowsOf(here)).map(row => [row.state, row.failure_code])).toEqual(Array(6).fill(['ok', null]))
    expect(await versions(here, [...tenants, ...bad])).toEqual(Array(6).fill(NEXT))
    await expect(migrating(here, { which: 'rest' })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  it('ends the databases under way when it is told to stop, and goes on from there', async () => {
    const { here, tenants } = await fleet(5)
    const stop = new AbortController()
    const progress = (tried: number) => tried === 2 && stop.abort(new Error('enough'))
    const report = await migrating(here, { options: { concurrency: 1 }, signal: stop.signal, progress })
    expect(report).toMatchObject({ stopped: 'signal', databases: { migrated: 2, failed: 0, notTried: 3 } })
    expect((await lastRun(here.catalog))?.state).toBe('stopped')
    expect((await rowsOf(here)).map(row => row.state)).toEqual(['ok', 'ok'])
    expect(await migrating(here, { which: 'rest' })).toMatchObject({ databases: { upToDate: 2, migrated: 3 }, stopped: null })
    expect(await versions(here, tenants)).toEqual(Array(5).fill(NEXT))
  })

  for (const which of ['rest', 'all'] as const)
    it(`goes on after one that was killed: ${which}`, async () => {
      const { here, tenants } = await fleet(2)
      const killed = await beginRun(here.catalog, 'all', NEXT, { canary: 1 })
      const { id } = await here.catalog.kysely.selectFrom('placements').select('id').orderBy('id').executeTakeFirstOrThrow()
      await notePlacementBegun(here.catalog, killed.id, id, LATEST)
      const report = await migrating(here, { which })
      expect(report.runId === killed.id).toBe(which === 'rest')
      expect(await versions(here, tenants)).toEqual([NEXT, NEXT])
      const states = await here.catalog.kysely.selectFrom('migration_runs').select('state').orderBy('state').execute()
      expect(states.map(run => run.state)).toEqual(which === 'rest' ? ['done'] : ['done', 'stopped'])
    })

  it('of named tenants leaves all others as they are, and is no run over all', async () => {
    const { here, tenants } = await fleet(3)
    const report = await migrating(here, { which: [slug('t-2')] })
    expect(report.tenants).toMatchObject({ total: 1, migrated: 1 })
    expect(await versions(here, tenants)).toEqual([LATEST, NEXT, LATEST])
    expect([await lastRun(here.catalog), await wasReached(here.catalog, NEXT)]).toEqual([null, false])
    await expect(migrating(here, { which: [slug('t-2'), slug('nobody')] })).rejects.toMatchObject({ code: 'TENANT_NOT_FOUND' })
  })

  it('counts what a later feedctl migrated as ahead, and leaves it alone', async () => {
    const { here, tenants } = await fleet(2)
    await migrating(here, { which: [slug('t-1')] })
    const report = await migrating(here, { migrations: TOMORROW.slice(0, -1) })
    expect(report.databases).toMatchObject({ total: 2, upToDate: 1, ahead: 1, failed: 0 })
    expect(await versions(here, tenants)).toEqual([NEXT, LATEST])
  })

  it('fails for a database that is not there, and migrates the others', async () => {
    const { here, tenants } = await fleet(3)
    const [lost] = tenants as [Tenant]
    await here.catalog.server.drop(lost.placement.database)
    const report = await migrating(here, { options: { canary: 0 } })
    expect(report).toMatchObject({ databases: { migrated: 2, failed: 1 }, stopped: null })
    expect(report.failures).toMatchObject([{ tenant: lost.slug, code: 'SCHEMA_MISSING' }])
  })

  it('may be done to one database by several processes at once', async () => {
    const [here, there] = [await openInstallation(env), await openInstallation(env)]
    const old = [await earlierTenant(here, 'old-1'), await earlierTenant(here, 'old-2')]
    const which = old.map(tenant => tenant.slug)
    const reports = await Promise.all([here, there, here, there].map(one => migrating(one, { which })))
    expect(reports.map(report => report.databases.failed)).toEqual([0, 0, 0, 0])
    expect(await versions(here, old)).toEqual([NEXT, NEXT])
  })
})

describe('the first use of a tenant that is behind, where the command migrates', () => {
  let env: TestEnv
  afterEach(() => dropDatabases(env))

  it('is refused until a run over all has reached the schema; a straggler is upgraded by it then', async () => {
    const { sharedMariadbEnv } = await import('../../support/drivers.js')
    env = sharedMariadbEnv()
    const here = await openInstallation(env)
    const [first, second] = [await earlierTenant(here, 'first'), await earlierTenant(here, 'second')]
    const use = (tenant: Tenant) => withTenant(here.catalog, tenant, tables => tables.feeds().select('id').execute())
    await expect(use(first)).rejects.toMatchObject({ code: 'SCHEMA_BEHIND', hint: 'feedctl tenant migrate --all' })
    const migrations = TOMORROW.slice(0, -1)
    await migrating(here, { which: [first.slug], migrations })
    expect(await use(first)).toHaveLength(2)
    await expect(use(second)).rejects.toMatchObject({ code: 'SCHEMA_BEHIND' })
    await migrating(here, { migrations })
    expect(await use(second)).toHaveLength(2)
    const straggler = await earlierTenant(here, 'straggler')
    expect(await use(straggler)).toHaveLength(2)
    expect(await versionOf(here, straggler)).toBe(LATEST)
  })
})
