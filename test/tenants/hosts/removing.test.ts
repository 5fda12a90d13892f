import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { Failure } from '../../../src/kernel/errors.js'
import type { TenantSchema } from '../../../src/tenants/databases/index.js'
import { addHost, setHostState } from '../../../src/tenants/hosts/changing.js'
import { forgetHost, removeHost } from '../../../src/tenants/hosts/removing.js'
import { type DatabaseName, parseDatabaseName, parseSlug, sharedDatabase } from '../../../src/tenants/ids.js'
import { moveTenant } from '../../../src/tenants/moving/move.js'
import { parseWish } from '../../../src/tenants/moving/targets.js'
import { createTenant } from '../../../src/tenants/provision.js'
import { markDeleted, removeTenant } from '../../../src/tenants/removal.js'
import { dropSpares, keepSpares } from '../../../src/tenants/spares/keep.js'
import { secondHost } from '../../support/second-host.js'
import { describeDatabases, openInstallation, removing, tenantIn, wish } from '../installation.js'
import { onServer, serverWith } from '../servers.js'

describeDatabases('the removal of a host', (env, kind) => {
  const second = secondHost(kind)

  test('waits for every move from or to it that is not ended, and then leaves nothing of it', async () => {
    const here = await openInstallation(second.with(env, 'second'))
    const { catalog, config, prefix } = here
    await addHost(catalog, config, 'second', { address: second.address, weight: 0 })
    const tenant = await tenantIn(here, 'moved')
    const options = { keepMs: 86_400_000, signal: new AbortController().signal }
    await moveTenant(catalog, prefix, tenant.slug, parseWish('second'), options)
    await moveTenant(catalog, prefix, tenant.slug, parseWish('default'), options)
    await setHostState(catalog, 'second', 'draining')
    for (const state of ['copying', 'undoing', 'switched', 'finishing'] as const) {
      await catalog.kysely.updateTable('moves').set({ state }).where('tenant_id', '=', tenant.id).execute()
      const refused = await removeHost(catalog, 'second').catch(error => error)
      expect([state, refused.code]).toEqual([state, 'HOST_IN_USE'])
    }
    await catalog.kysely.updateTable('moves').set({ state: 'finished' }).where('tenant_id', '=', tenant.id).execute()
    expect(await removeHost(catalog, 'second')).toEqual({ name: 'second', databases: 1 })
    const left = await catalog.kysely
      .selectFrom('placements')
      .innerJoin('hosts', 'hosts.id', 'placements.host_id')
      .select('hosts.name')
      .execute()
    expect(new Set(left.map(({ name }) => name))).toEqual(new Set(['default']))
    if (kind !== 'sqlite') return
    expect(existsSync(join(second.address, '.feedctl-host'))).toBe(false)
    expect(await addHost(catalog, config, 'third', { address: second.address })).toMatchObject({ name: 'third' })
  })

  test('waits for spare databases that a killed filling left, which have no tables by the catalog', async () => {
    const here = await openInstallation(second.with(env, 'spares'))
    const { catalog, config, prefix } = here
    const address = kind === 'sqlite' ? `${second.address}-spares` : second.address
    await addHost(catalog, config, 'spares', { address, weight: 1_000_000 })
    await catalog.kysely.updateTable('hosts').set({ weight: 0 }).where('name', '=', 'default').execute()
    const signal = new AbortController().signal
    await keepSpares(catalog, prefix, 2, { signal })
    await catalog.kysely.updateTable('placements').set({ schema_version: 0 }).where('kind', '=', 'spare').execute()
    await setHostState(catalog, 'spares', 'draining')
    await expect(removeHost(catalog, 'spares')).rejects.toMatchObject({
      code: 'HOST_IN_USE',
      message: '2 spare databases on spares are not made to the end',
      hint: expect.stringContaining('feedctl tenant spare --drop --yes'),
    })
    expect(await (await catalog.hosts.serverOf('spares')).names(prefix)).toHaveLength(2)
    const serverOf = await catalog.hosts.serverOf('spares')
    await dropSpares(catalog, { signal })
    expect(await removeHost(catalog, 'spares')).toEqual({ name: 'spares', databases: 0 })
    expect(await serverOf.names(prefix).catch(() => [])).toEqual([])
  })

  test('ends with the same call what a drop that failed has left, and drops nothing that is not feedctl’s', async () => {
    const here = await openInstallation(second.with(env, 'failing'))
    const { catalog, config, prefix } = here
    const address = kind === 'sqlite' ? `${second.address}-failing` : second.address
    await addHost(catalog, config, 'failing', { address, weight: 1_000_000 })
    await catalog.kysely.updateTable('hosts').set({ weight: 0 }).where('name', '=', 'default').execute()
    await keepSpares(catalog, prefix, 3, { signal: new AbortController().signal })
    await setHostState(catalog, 'failing', 'draining')
    const server = await catalog.hosts.serverOf('failing')
    const [foreign, ...own] = (await server.names(prefix)) as [DatabaseName, ...DatabaseName[]]
    const forgetLedger = (name: DatabaseName) =>
      server.use<TenantSchema, unknown>(name, ({ kysely, qualify }) =>
        sql.raw(`drop table ${qualify('feedctl_migrations')}`).execute(kysely),
      )
    await forgetLedger(foreign)
    const asked: DatabaseName[] = []
    const failing = (before: (name: DatabaseName) => Promise<unknown>) => {
      const drop = async (name: DatabaseName) => {
        asked.push(name)
        await before(name)
        throw new Failure('UNAVAILABLE', 'the host went down')
      }
      return removeHost(onServer(catalog, serverWith(server, { drop })), 'failing')
    }
    await expect(failing(async () => {})).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    // By half, as a server does that is killed.
    await expect(failing(forgetLedger)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect([...new Set(asked)]).toEqual([expect.any(String)])
    expect(await removeHost(catalog, 'failing')).toEqual({ name: 'failing', databases: 2 })
    expect(await Promise.all([foreign, ...own].map(name => server.has(name).catch(() => false)))).toEqual([true, false, false])
  })

  test('drops nothing that somebody else has made under the name of a database that was gone, when it was cut short', async () => {
    const here = await openInstallation(second.with(env, 'gone'))
    const { catalog, config, prefix } = here
    const address = kind === 'sqlite' ? `${second.address}-gone` : second.address
    await addHost(catalog, config, 'gone', { address, weight: 1_000_000 })
    await catalog.kysely.updateTable('hosts').set({ weight: 0 }).where('name', '=', 'default').execute()
    await keepSpares(catalog, prefix, 2, { signal: new AbortController().signal })
    await setHostState(catalog, 'gone', 'draining')
    const server = await catalog.hosts.serverOf('gone')
    const spares = catalog.kysely.selectFrom('placements').select('database_name').where('kind', '=', 'spare').orderBy('id')
    const names = (await spares.execute()).map(row => parseDatabaseName(row.database_name))
    const [missing, empty] = names as [DatabaseName, DatabaseName]
    for (const name of names) await server.drop(name)
    await server.create(empty)
    for (const cut of names) {
      const drop = async (name: DatabaseName) => {
        if (name === cut) throw new Failure('UNAVAILABLE', 'the host went down')
        return server.drop(name)
      }
      await expect(removeHost(onServer(catalog, serverWith(server, { drop })), 'gone')).rejects.toMatchObject({
        code: 'UNAVAILABLE',
      })
      if (cut === missing) await server.create(cut)
      await server.use<{ notes: object }, unknown>(cut, ({ kysely, qualify }) =>
        sql.raw(`create table ${qualify('notes')} (id integer)`).execute(kysely),
      )
    }
    expect(await removeHost(catalog, 'gone')).toEqual({ name: 'gone', databases: 0 })
    expect(await Promise.all(names.map(name => server.has(name)))).toEqual([true, true])
    for (const name of names) await server.drop(name)
  })

  test('that was begun keeps the host from being opened until it is finished; one that is opened before drops nothing', async () => {
    const here = await openInstallation(second.with(env, 'undone'))
    const { catalog, config, prefix } = here
    const address = kind === 'sqlite' ? `${second.address}-undone` : second.address
    await addHost(catalog, config, 'undone', { address, weight: 0 })
    const shared = (slug: string) => createTenant(catalog, prefix, { ...wish(slug, 'shared'), host: 'undone' }, async () => null)
    const remove = async (slug: string) => {
      await markDeleted(catalog, parseSlug(slug), 0)
      await removeTenant(catalog, parseSlug(slug), removing())
    }
    await shared('gone-1')
    await remove('gone-1')
    await setHostState(catalog, 'undone', 'draining')
    const server = await catalog.hosts.serverOf('undone')
    const has = async (name: DatabaseName) => {
      await setHostState(catalog, 'undone', 'open')
      return server.has(name)
    }
    await expect(removeHost(onServer(catalog, serverWith(server, { has })), 'undone')).rejects.toMatchObject({
      code: 'HOST_IN_USE',
    })
    expect(await server.has(sharedDatabase(prefix, 1))).toBe(true)
    await shared('gone-2')
    await remove('gone-2')
    await setHostState(catalog, 'undone', 'draining')
    const drop = () => Promise.reject(new Failure('UNAVAILABLE', 'the host went down'))
    await expect(removeHost(onServer(catalog, serverWith(server, { drop })), 'undone')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    })
    await expect(setHostState(catalog, 'undone', 'open')).rejects.toMatchObject({
      code: 'HOST_IN_USE',
      hint: expect.stringContaining('feedctl host remove undone --yes'),
    })
    expect((await setHostState(catalog, 'undone', 'draining')).state).toBe('draining')
    expect(await removeHost(catalog, 'undone')).toEqual({ name: 'undone', databases: 1 })
  })

  test('that is gone for good is possible without asking it, and leaves no row of it', async () => {
    const here = await openInstallation(second.with(env, 'lost'))
    const { catalog, config, prefix } = here
    const address = kind === 'sqlite' ? `${second.address}-lost` : second.address
    await addHost(catalog, config, 'lost', { address, weight: 1_000_000 })
    await catalog.kysely.updateTable('hosts').set({ weight: 0 }).where('name', '=', 'default').execute()
    const { tenant } = await createTenant(catalog, prefix, { ...wish('lives'), host: 'lost' }, async () => null)
    await keepSpares(catalog, prefix, 3, { signal: new AbortController().signal })
    const { id } = await setHostState(catalog, 'lost', 'draining')
    const placements = catalog.kysely.selectFrom('placements').where('host_id', '=', id)
    const real = await catalog.hosts.serverOf('lost')
    const names = await real.names(prefix)
    const serverOf = () => Promise.reject(new Failure('UNAVAILABLE', 'the database host lost does not answer'))
    const lost = { ...catalog, hosts: { ...catalog.hosts, serverOf } }
    await expect(forgetHost(lost, 'lost')).rejects.toMatchObject({ code: 'HOST_IN_USE', message: '1 tenants are on lost' })
    await markDeleted(catalog, tenant.slug, 0)
    await removeTenant(catalog, tenant.slug, removing())
    await expect(removeHost(lost, 'lost')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      hint: expect.stringContaining('feedctl host remove lost --forget --yes'),
    })
    const unready = await placements.select('id').where('kind', '=', 'spare').executeTakeFirst()
    await catalog.kysely
      .updateTable('placements')
      .set({ schema_version: 0 })
      .where('id', '=', unready?.id ?? 0)
      .execute()
    expect(await forgetHost(lost, 'lost')).toEqual({ name: 'lost', databases: 3 })
    expect(await placements.select('id').execute()).toEqual([])
    await expect(forgetHost(lost, 'lost')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND' })
    expect(await addHost(catalog, config, 'lost', { address, weight: 0 })).toMatchObject({ name: 'lost' })
    const again = await catalog.hosts.serverOf('lost')
    const left = names.filter(name => name !== tenant.placement.database)
    expect(await again.names(prefix)).toEqual(left)
    for (const name of left) await again.drop(name)
    await setHostState(catalog, 'lost', 'draining')
    await removeHost(catalog, 'lost')
  })

  test('counts what was being dropped when another process was killed', async () => {
    const here = await openInstallation(second.with(env, 'dropping'))
    const { catalog, config, prefix } = here
    const address = kind === 'sqlite' ? `${second.address}-dropping` : second.address
    await addHost(catalog, config, 'dropping', { address, weight: 1_000_000 })
    await catalog.kysely.updateTable('hosts').set({ weight: 0 }).where('name', '=', 'default').execute()
    await keepSpares(catalog, prefix, 1, { signal: new AbortController().signal })
    const server = await catalog.hosts.serverOf('dropping')
    const known = await catalog.kysely.selectFrom('placements').select('database_name').where('kind', '=', 'spare').execute()
    const [spare] = known.map(row => parseDatabaseName(row.database_name)) as [DatabaseName]
    expect(await server.has(spare)).toBe(true)
    const spares = catalog.kysely.updateTable('placements').where('kind', '=', 'spare')
    await spares.set({ kind: 'dropping', schema_version: 0 }).execute()
    await setHostState(catalog, 'dropping', 'draining')
    expect(await removeHost(catalog, 'dropping')).toEqual({ name: 'dropping', databases: 1 })
    expect(await server.has(spare).catch(() => false)).toBe(false)
  })
})
