import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { addHost } from '../../../src/tenants/hosts/changing.js'
import { createTenant } from '../../../src/tenants/provision.js'
import type { Tenant } from '../../../src/tenants/tenant.js'
import { secondHost } from '../../support/second-host.js'
import { describeDatabases, type Installation, openInstallation, wish } from '../installation.js'
import { holdFeeds, LATEST, migrating, versionOf } from './fleet.js'

const AT_ONCE = 2

describeDatabases('a migration of the databases of two hosts', (env, kind) => {
  const second = secondHost(kind)
  const tenantOn = async ({ catalog, prefix }: Installation, host: string, slug: string): Promise<Tenant> =>
    (await createTenant(catalog, prefix, { ...wish(slug), host }, async () => null)).tenant
  const open = async () => {
    const here = await openInstallation(second.with(env, 'second'))
    const known = await here.catalog.kysely.selectFrom('hosts').select('id').where('name', '=', 'second').executeTakeFirst()
    if (known === undefined) await addHost(here.catalog, here.config, 'second', { address: second.address })
    return here
  }
  const fleetOf = async (here: Installation, each: number, name: string) => {
    const tenants: Tenant[] = []
    for (const host of ['default', 'second'])
      for (let number = 1; number <= each; number++) tenants.push(await tenantOn(here, host, `${name}-${host}-${number}`))
    return tenants
  }

  /** Databases that are being migrated, by host. */
  const underWay = async ({ catalog }: Installation): Promise<ReadonlyMap<string, number>> => {
    const rows = await catalog.kysely
      .selectFrom('migration_placements')
      .innerJoin('placements', 'placements.id', 'placement_id')
      .innerJoin('hosts', 'hosts.id', 'host_id')
      .select(eb => ['hosts.name', eb.fn.countAll<number>().as('databases')])
      .where('migration_placements.state', '=', 'running')
      .groupBy('hosts.name')
      .orderBy('hosts.name')
      .execute()
    return new Map(rows.map(({ name, databases }) => [name, Number(databases)]))
  }

  it('takes every wave from both, whichever was filled first', async () => {
    const here = await open()
    await fleetOf(here, 6, 'wave')
    const report = await migrating(here, { options: { canary: 0, concurrency: 1 } })
    expect(report).toMatchObject({ waves: 2, databases: { migrated: 12, failed: 0 } })
    const firstWave = report.placements.slice(0, 10).map(({ host }) => host)
    expect(firstWave.filter(host => host === 'second')).toHaveLength(5)
  })

  it.runIf(kind === 'mysql')('works on both at the same time, and on no more databases of each than it may', async () => {
    const here = await open()
    const tenants = await fleetOf(here, 4, 'busy')
    const user = await open()
    const releases = await Promise.all(tenants.map(tenant => holdFeeds(user, tenant)))
    const migration = migrating(here, { options: { canary: 0, concurrency: AT_ONCE }, lockWaitS: 60 })
    let ended = false
    void migration.finally(() => {
      ended = true
    })
    const areFull = (counts: ReadonlyMap<string, number>) =>
      ['default', 'second'].every(host => (counts.get(host) ?? 0) >= AT_ONCE)
    while (!ended && !areFull(await underWay(here))) await pause(20)
    const atTheSameTime = await underWay(here)
    await Promise.all(releases.map(release => release()))
    const report = await migration
    expect(atTheSameTime).toEqual(
      new Map([
        ['default', AT_ONCE],
        ['second', AT_ONCE],
      ]),
    )
    expect(report.databases).toMatchObject({ migrated: tenants.length, failed: 0 })
    for (const tenant of tenants) expect(await versionOf(here, tenant)).toBe(LATEST + 1)
  })
})
