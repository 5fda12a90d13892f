import { sql } from 'kysely'
import { expect, it, onTestFinished } from 'vitest'
import { Failure } from '../../src/kernel/errors.js'
import type { TenantSchema } from '../../src/tenants/databases/index.js'
import { type DatabaseName, parseDatabaseName } from '../../src/tenants/ids.js'
import { dropSpares, keepSpares } from '../../src/tenants/spares/keep.js'
import { describeDatabases, type Installation, openInstallation } from './installation.js'
import { onServer, serverWith } from './servers.js'

describeDatabases('spare databases on a bad day', env => {
  const signal = new AbortController().signal
  const fill = ({ catalog, prefix }: Installation, wanted: number) => keepSpares(catalog, prefix, wanted, { signal })
  const sparesIn = ({ catalog }: Installation) =>
    catalog.kysely.selectFrom('placements').selectAll().where('kind', '=', 'spare').orderBy('id').execute()

  it('that a server dropped by half when it went down go with the next, and become nobody’s', async () => {
    const here = await openInstallation(env)
    await dropSpares(here.catalog, { signal })
    await fill(here, 2)
    const names = (await sparesIn(here)).map(spare => parseDatabaseName(spare.database_name))
    const { server } = here.catalog
    const forgetLedger = (name: DatabaseName) =>
      server.use<TenantSchema, unknown>(name, ({ kysely, qualify }) =>
        sql.raw(`drop table ${qualify('feedctl_migrations')}`).execute(kysely),
      )
    const drop = async (name: DatabaseName) => {
      await forgetLedger(name)
      throw new Failure('UNAVAILABLE', 'the host went down')
    }
    const halfway = await dropSpares(onServer(here.catalog, serverWith(server, { drop })), { signal })
    expect([halfway.dropped, halfway.failures.length, await sparesIn(here)]).toEqual([0, 2, []])
    expect(await fill(here, 1)).toEqual({ made: 1, ready: 1, unready: 0, failures: [] })
    expect(await dropSpares(here.catalog, { signal })).toEqual({ dropped: 3, failures: [] })
    expect(await Promise.all(names.map(name => server.has(name)))).toEqual([false, false])
  })

  it('are never what was being dropped before, as another’s work or of a tenant with such a name', async () => {
    const here = await openInstallation(env)
    const { server, kysely } = here.catalog
    await dropSpares(here.catalog, { signal })
    await fill(here, 2)
    const [first, second] = await sparesIn(here)
    const dropping = { kind: 'dropping' as const, schema_version: 0 }
    await kysely
      .updateTable('placements')
      .set(dropping)
      .where('id', '=', first?.id ?? 0)
      .execute()
    const acme = { ...dropping, host_id: first?.host_id ?? 0, database_name: `${here.prefix}acme_spare_1`, created_at: 1 }
    await kysely.insertInto('placements').values(acme).execute()
    const has = () => Promise.reject(new Failure('UNAVAILABLE', 'away'))
    const end = await dropSpares(onServer(here.catalog, serverWith(server, { has })), { signal })
    expect([end.dropped, end.failures.length]).toEqual([0, 2])
    expect((await sparesIn(here)).map(({ id }) => id)).toEqual([second?.id])
    expect(await dropSpares(here.catalog, { signal })).toEqual({ dropped: 2, failures: [] })
    const left = kysely.selectFrom('placements').select('database_name').where('kind', '=', 'dropping')
    expect(await left.execute()).toEqual([{ database_name: acme.database_name }])
    await kysely.deleteFrom('placements').where('kind', '=', 'dropping').execute()
  })

  it('show the bug that finishing one has met, also when there is no host for another', async () => {
    const here = await openInstallation(env)
    await dropSpares(here.catalog, { signal })
    await fill(here, 1)
    const { kysely, server } = here.catalog
    const set = (change: { weight?: number; schema_version?: number }, table: 'hosts' | 'placements') =>
      kysely
        .updateTable(table)
        .set(change as never)
        .$if(table === 'placements', query => query.where('kind' as never, '=', 'spare' as never))
        .execute()
    await set({ schema_version: 0 }, 'placements')
    await set({ weight: 0 }, 'hosts')
    onTestFinished(async () => void (await set({ weight: 100 }, 'hosts')))
    const has = () => Promise.reject(new TypeError('a bug'))
    const create = () => Promise.reject(new TypeError('a bug'))
    const catalog = onServer(here.catalog, serverWith(server, { has, create }))
    await expect(keepSpares(catalog, here.prefix, 2, { signal })).rejects.toThrow('a bug')
    await dropSpares(here.catalog, { signal })
  })
})
