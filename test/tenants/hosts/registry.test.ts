import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { applyMigrations, openFolder, TENANT_MIGRATIONS, type TenantSchema } from '../../../src/tenants/databases/index.js'
import { addHost, changeHost } from '../../../src/tenants/hosts/changing.js'
import { parseDatabaseName } from '../../../src/tenants/ids.js'
import { secondHost } from '../../support/second-host.js'
import { describeDatabases, openInstallation, tenantIn } from '../installation.js'

describeDatabases('further hosts', (env, kind) => {
  const second = secondHost(kind)
  const open = () => openInstallation(second.with(env, 'second'))

  test('are not there before they are added, also to processes that run already', async () => {
    const [here, elsewhere] = [await open(), await open()]
    await expect(elsewhere.catalog.hosts.serverOf('second')).rejects.toMatchObject({ code: 'HOST_NOT_FOUND', exit: 4 })
    await addHost(here.catalog, here.config, 'second', { address: second.address })
    const server = await elsewhere.catalog.hosts.serverOf('second')
    expect(await server.create(parseDatabaseName('seen'))).toBe(true)
    expect(await (await here.catalog.hosts.serverOf('second')).has(parseDatabaseName('seen'))).toBe(true)
    expect(await here.catalog.server.has(parseDatabaseName('seen'))).toBe(false)
    expect(await server.drop(parseDatabaseName('seen'))).toBe(true)
  })

  test('are opened once, however many ask at the same time, and are closed with the others', async () => {
    const { catalog } = await open()
    const servers = await Promise.all(Array.from({ length: 10 }, () => catalog.hosts.serverOf('second')))
    expect(new Set(servers).size).toBe(1)
    expect(catalog.hosts.opened().map(({ name }) => name)).toEqual(['default', 'second'])
    await catalog.hosts.close()
    await expect(catalog.hosts.serverOf('second')).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(await catalog.server.has(catalog.name)).toBe(true)
  })

  test('go on being used while the catalog is away', async () => {
    const here = await open()
    const server = await here.catalog.hosts.serverOf('second')
    await here.catalog.server.close()
    expect(await here.catalog.hosts.serverOf('second')).toBe(server)
    expect(await server.has(parseDatabaseName('nothing'))).toBe(false)
  })

  test('may not be said to be where their databases are not', async () => {
    const here = await open()
    const tenant = await tenantIn(here, 'moved')
    const at = tenant.placement.host
    if (at === 'default')
      await here.catalog.kysely.updateTable('hosts').set({ weight: 0 }).where('name', '=', 'default').execute()
    const placed = at === 'default' ? await tenantIn(here, 'moved-2') : tenant
    expect(placed.placement.host).toBe('second')
    const elsewhere = kind === 'sqlite' ? join(env.FEEDCTL_DATA ?? '', 'elsewhere') : '127.0.0.1:1'
    await expect(changeHost(here.catalog, here.config, 'second', { address: elsewhere })).rejects.toMatchObject({
      code: kind === 'sqlite' ? 'HOST_INVALID' : 'UNAVAILABLE',
    })
    expect((await here.catalog.hosts.rowOf('second')).address).toBe(second.address)
  })

  test.runIf(kind === 'sqlite')('may not be said to be where another installation has databases of the same names', async () => {
    const here = await open()
    const strange = join(env.FEEDCTL_DATA ?? '', 'strange')
    const theirs = await openFolder(here.config, { folder: strange })
    onTestFinished(() => theirs.close())
    const placed = await here.catalog.kysely
      .selectFrom('placements')
      .innerJoin('hosts', 'hosts.id', 'placements.host_id')
      .select('database_name')
      .where('hosts.name', '=', 'second')
      .where('schema_version', '>', 0)
      .execute()
    expect(placed).not.toEqual([])
    for (const { database_name } of placed) {
      const name = parseDatabaseName(database_name)
      await theirs.create(name)
      await theirs.use<TenantSchema, number>(name, database => applyMigrations(database, TENANT_MIGRATIONS, 'their catalog', 1))
    }
    await expect(changeHost(here.catalog, here.config, 'second', { address: strange })).rejects.toMatchObject({
      code: 'HOST_INVALID',
      message: expect.stringContaining("is not this feedctl's"),
    })
    expect(readdirSync(strange)).not.toContain('.feedctl-host')
  })

  test.runIf(kind === 'sqlite')(
    'are told their address again while their disk is not mounted, and nothing is written',
    async () => {
      const here = await open()
      const before = await here.catalog.hosts.rowOf('second')
      renameSync(second.address, `${second.address}-unmounted`)
      mkdirSync(second.address)
      try {
        expect(await changeHost(here.catalog, here.config, 'second', { address: second.address })).toEqual(before)
        expect(readdirSync(second.address)).toEqual([])
        const missing = { address: join(env.FEEDCTL_DATA ?? '', 'missing') }
        await expect(changeHost(here.catalog, here.config, 'second', missing)).rejects.toMatchObject({ code: 'HOST_INVALID' })
        expect(existsSync(missing.address)).toBe(false)
      } finally {
        rmdirSync(second.address)
        renameSync(`${second.address}-unmounted`, second.address)
      }
    },
  )

  test.runIf(kind === 'sqlite')('are away while their folder is not there, and nothing is made in its place', async () => {
    const here = await open()
    const server = await here.catalog.hosts.serverOf('second')
    renameSync(second.address, `${second.address}-unmounted`)
    const name = parseDatabaseName('lost')
    const away = { code: 'UNAVAILABLE', message: expect.stringContaining('database host second is away') }
    await expect(server.has(name)).rejects.toMatchObject(away)
    await expect(server.create(name)).rejects.toMatchObject(away)
    await expect(server.drop(name)).rejects.toMatchObject(away)
    await expect(server.use(name, async () => {})).rejects.toMatchObject(away)
    expect(existsSync(second.address)).toBe(false)
    renameSync(`${second.address}-unmounted`, second.address)
    expect(await server.has(name)).toBe(false)
    expect(readdirSync(second.address)).toContain('.feedctl-host')
  })
})
