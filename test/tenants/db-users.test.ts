import { sql } from 'kysely'
import { createConnection } from 'mysql2/promise'
import { afterAll, describe, expect, it } from 'vitest'
import { addFeeds } from '../../src/feeds/subscriptions.js'
import { openServer, type TenantSchema } from '../../src/tenants/databases/index.js'
import {
  createDbUser,
  type DbUser,
  dbUserName,
  dbUserOf,
  dropDbUser,
  giveDbUser,
  rotateDbUser,
} from '../../src/tenants/db-users.js'
import { parseDatabaseName, parseTenantId } from '../../src/tenants/ids.js'
import { openMoves } from '../../src/tenants/moving/ledger.js'
import { moveTenant } from '../../src/tenants/moving/move.js'
import { parseWish } from '../../src/tenants/moving/targets.js'
import { markDeleted, removeTenant } from '../../src/tenants/removal.js'
import { getTenant, type Tenant } from '../../src/tenants/tenant.js'
import { dropDatabases, sharedMariadbEnv } from '../support/drivers.js'
import { limitedUser } from '../support/limited-user.js'
import { fence } from './fences.js'
import { type Installation, openInstallation, removing, tenantIn } from './installation.js'

const env = sharedMariadbEnv()
afterAll(() => dropDatabases(env))

/** What the user's own client is answered; null where it is refused. */
async function asked(user: Pick<DbUser, 'username' | 'password'>, statement: string): Promise<Record<string, unknown>[] | null> {
  const login = { host: env.DB_HOST ?? '', port: Number(env.DB_PORT), user: user.username, password: user.password }
  try {
    const connection = await createConnection(login)
    try {
      const [rows] = await connection.query(statement)
      return rows as Record<string, unknown>[]
    } finally {
      await connection.end()
    }
  } catch (error) {
    if (/denied|ER_DBACCESS|max_user_connections/i.test(String(error))) return null
    throw error
  }
}

async function removed({ catalog }: Installation, { slug }: Tenant): Promise<void> {
  await markDeleted(catalog, slug, 0)
  await removeTenant(catalog, slug, removing())
}

async function isOnServer({ catalog }: Installation, username: string): Promise<boolean> {
  const { rows } = await sql`select 1 from mysql.user where user = ${username}`.execute(catalog.kysely)
  return rows.length > 0
}

describe('the database user of a tenant (mysql)', () => {
  it('reads its own database, changes nothing, and sees no neighbour, whatever characters stand for others in patterns', async () => {
    const installation = await openInstallation(env)
    const own = await tenantIn(installation, 'a-b')
    const neighbour = await tenantIn(installation, 'axb')
    const user = await createDbUser(installation.catalog, own)
    expect(user).toMatchObject({ host: 'default', database: own.placement.database })
    const feeds = (database: string) => `select count(*) as rows_there from \`${database}\`.feeds`
    expect(await asked(user, feeds(own.placement.database))).toEqual([{ rows_there: 0 }])
    expect(await asked(user, feeds(neighbour.placement.database))).toBeNull()
    expect(await asked(user, feeds(installation.catalog.name).replace('feeds', 'tenants'))).toBeNull()
    expect((await asked(user, 'show databases'))?.map(row => row.Database).sort()).toEqual(
      ['information_schema', own.placement.database].sort(),
    )
    for (const statement of [
      'delete from ??.feeds',
      'create table ??.x (id int)',
      'drop database ??',
      'lock tables ??.feeds write',
    ])
      expect([statement, await asked(user, statement.replace('??', `\`${own.placement.database}\``))]).toEqual([statement, null])
  })

  it('has a bound of connections', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const user = await createDbUser(catalog, await tenantIn(installation, 'bounded'))
    const login = { host: env.DB_HOST ?? '', port: Number(env.DB_PORT), user: user.username, password: user.password }
    const open = await Promise.allSettled(Array.from({ length: 7 }, () => createConnection(login)))
    const ready = open.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
    await Promise.all(ready.map(connection => connection.end()))
    expect(ready).toHaveLength(5)
  })

  it('is given a new password, and the old one ends', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const tenant = await tenantIn(installation, 'rotated')
    await expect(rotateDbUser(catalog, tenant)).rejects.toMatchObject({ code: 'DB_USER_REFUSED' })
    const first = await createDbUser(catalog, tenant)
    await expect(createDbUser(catalog, tenant)).rejects.toMatchObject({ code: 'DB_USER_REFUSED' })
    const second = await rotateDbUser(catalog, tenant)
    expect(second.username).toBe(first.username)
    expect(await asked(first, 'select 1 as one')).toBeNull()
    expect(await asked(second, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('is made by the same call after a maker that was killed at any point', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const tenant = await tenantIn(installation, 'killed')
    const username = dbUserName(catalog.id, tenant.placement.database, tenant.id)
    const points = [
      async () => {},
      async () => void (await sql`create user ${username}@'%' identified by 'x'`.execute(catalog.kysely)),
    ]
    for (const leave of points) {
      await catalog.kysely
        .updateTable('placements')
        .set({ db_user: username })
        .where('database_name', '=', tenant.placement.database)
        .execute()
      await leave()
      const user = await giveDbUser(catalog, tenant)
      expect(await asked(user, `select count(*) as n from \`${tenant.placement.database}\`.posts`)).toEqual([{ n: 0 }])
      expect(await dropDbUser(catalog, tenant.placement)).toBe(username)
    }
    await catalog.kysely
      .updateTable('placements')
      .set({ db_user: username })
      .where('database_name', '=', tenant.placement.database)
      .execute()
    expect(await dropDbUser(catalog, tenant.placement)).toBe(username)
    expect(await dropDbUser(catalog, tenant.placement)).toBeNull()
  })

  it('goes with the tenant, and the next one of that name has another', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const tenant = await tenantIn(installation, 'leaving')
    const user = await createDbUser(catalog, tenant)
    expect(await isOnServer(installation, user.username)).toBe(true)
    await removed(installation, tenant)
    expect(await isOnServer(installation, user.username)).toBe(false)
    const next = await tenantIn(installation, 'leaving')
    expect(await dbUserOf(catalog, next.placement)).toBeNull()
    expect((await createDbUser(catalog, next)).username).not.toBe(user.username)
  })

  it('ends its sessions when it is dropped: none of them reads the next tenant of that name', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const tenant = await tenantIn(installation, 'reused')
    const { username, password, database } = await createDbUser(catalog, tenant)
    const login = { host: env.DB_HOST ?? '', port: Number(env.DB_PORT), user: username, password, database }
    const sessions = await Promise.all(Array.from({ length: 5 }, () => createConnection(login)))
    for (const session of sessions) {
      session.on('error', () => {})
      await session.query('select count(*) from feeds')
    }
    await removed(installation, tenant)
    await tenantIn(installation, 'reused')
    for (const session of sessions) {
      await expect(session.query('select count(*) from feeds')).rejects.toThrow()
      session.destroy()
    }
  })

  it('is not left to a tenant that takes up the database of another', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const tenant = await tenantIn(installation, 'taken-up')
    const user = await createDbUser(catalog, tenant)
    await catalog.kysely.deleteFrom('tenants').where('id', '=', tenant.id).execute()
    const next = await tenantIn(installation, 'taken-up')
    expect(next.placement).toEqual(tenant.placement)
    expect(await dbUserOf(catalog, next.placement)).toBeNull()
    expect(await isOnServer(installation, user.username)).toBe(false)
  })

  it('is made once when two make it at the same time, and the password that was shown works', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const tenant = await tenantIn(installation, 'twice')
    const ends = await Promise.allSettled([createDbUser(catalog, tenant), createDbUser(catalog, tenant)])
    const users = ends.flatMap(end => (end.status === 'fulfilled' ? [end.value] : []))
    const [user] = users as [DbUser]
    expect(users).toHaveLength(1)
    expect(ends.find(end => end.status === 'rejected')).toMatchObject({ reason: { code: 'DB_USER_REFUSED' } })
    expect(await asked(user, 'select 1 as one')).toEqual([{ one: 1 }])
  })

  it('is not made for a tenant that is being removed', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const tenant = await tenantIn(installation, 'hidden')
    await markDeleted(catalog, tenant.slug, Date.now() + 60_000)
    await expect(createDbUser(catalog, tenant)).rejects.toMatchObject({ code: 'TENANT_WRONG_STATE' })
    expect(await dbUserOf(catalog, tenant.placement)).toBeNull()
  })

  it('keeps a tenant from being moved, also one that is made while the rows are copied', async () => {
    const installation = await openInstallation(env)
    const { catalog, prefix } = installation
    const tenant = await tenantIn(installation, 'mover')
    await addFeeds(catalog, tenant, [{ url: 'https://example.com/feed.xml', title: null }])
    let made: Promise<DbUser> | null = null
    // As another process does, between the look before the copy and the fence after it.
    const onRows = () => {
      made ??= createDbUser(catalog, tenant)
    }
    const meanwhile = { ...catalog, hosts: Object.create(catalog.hosts, { serverOf: { value: serverOf } }) }
    async function serverOf(name: string) {
      await made
      return catalog.hosts.serverOf(name)
    }
    const options = { keepMs: 1, signal: new AbortController().signal, onRows }
    const moving = moveTenant(meanwhile, prefix, tenant.slug, parseWish('shared'), options)
    await expect(moving).rejects.toMatchObject({ code: 'MOVE_REFUSED', hint: expect.stringContaining('--drop') })
    expect(made).not.toBeNull()
    expect((await getTenant(catalog, tenant.slug)).placement).toEqual(tenant.placement)
    expect(await openMoves(catalog, tenant.id)).toEqual([])
    expect(
      await asked(await (made as unknown as Promise<DbUser>), `select count(*) as n from \`${tenant.placement.database}\`.feeds`),
    ).toEqual([{ n: 1 }])
  })

  it('is not made while the tenant is fenced for its move', async () => {
    const installation = await openInstallation(env)
    const { catalog } = installation
    const tenant = await tenantIn(installation, 'fenced')
    await fence(catalog, tenant, 1)
    await expect(createDbUser(catalog, tenant)).rejects.toMatchObject({ code: 'TENANT_MOVING' })
    expect(await dbUserOf(catalog, tenant.placement)).toBeNull()
  })

  it('is refused for a tenant of a shared database', async () => {
    const installation = await openInstallation(env)
    const tenant = await tenantIn(installation, 'among-others', 'shared')
    await expect(createDbUser(installation.catalog, tenant)).rejects.toMatchObject({ code: 'DB_USER_REFUSED', exit: 4 })
  })

  it('is refused without a trace, in words without its password, where feedctl may make no users', async () => {
    const installation = await openInstallation(env)
    const tenant = await tenantIn(installation, 'forbidden')
    const { database } = tenant.placement
    await using limited = await limitedUser(env, [`all privileges on \`${database}\`.*`])
    const server = await openServer({ ...installation.config, ...limited.settings })
    try {
      const catalog = { ...installation.catalog, hosts: { ...installation.catalog.hosts, serverOf: async () => server } }
      const refusal = await giveDbUser(catalog, tenant).catch(error => error)
      expect(refusal).toMatchObject({ code: 'CONFIG_INVALID', hint: expect.stringContaining('docs/mysql-rights.md') })
      expect(refusal.cause).toBeUndefined()
      expect(refusal.message).not.toMatch(/identified|\*[0-9A-F]{40}/i)
      expect(await dbUserOf(catalog, tenant.placement)).toBeNull()
    } finally {
      await server.close()
    }
  })

  it('has a name of at most 32 characters that no other installation makes', () => {
    const database = parseDatabaseName(`tenant_${'x'.repeat(40)}`)
    const names = ['one', 'other'].flatMap(id => [1, 2, 9_999_999_999].map(n => dbUserName(id, database, parseTenantId(n))))
    expect(new Set(names).size).toBe(6)
    for (const name of names) expect(name).toMatch(/^\w{32}$/)
  })

  it('reads tables as well that a later feedctl makes', async () => {
    const installation = await openInstallation(env)
    const tenant = await tenantIn(installation, 'tables')
    const user = await createDbUser(installation.catalog, tenant)
    await installation.catalog.server.use<TenantSchema, unknown>(tenant.placement.database, ({ kysely }) =>
      kysely.schema.createTable('later').addColumn('id', 'integer').execute(),
    )
    expect(await asked(user, `select count(*) as n from \`${tenant.placement.database}\`.later`)).toEqual([{ n: 0 }])
  })
})
