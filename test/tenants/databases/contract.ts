import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import {
  applyMigrations,
  insertRows,
  type OpenDatabase,
  TENANT_MIGRATIONS,
  type TenantSchema,
} from '../../../src/tenants/databases/index.js'
import type { DatabaseName } from '../../../src/tenants/ids.js'
import { ledger, type OpenServer, prepareGround } from './ground.js'
import { keepsTheRowsContract } from './rows.js'

/** The ledger of a database that was migrated at 1. */
const applied = (catalog: string) => TENANT_MIGRATIONS.map(({ version }) => ({ version, catalog_id: catalog, applied_at: 1 }))

/** What every database server promises. */
export function keepsTheDatabaseContract(open: OpenServer): void {
  keepsTheRowsContract(open)
  describe('keeps the contract of database servers:', () => {
    const { server, other, named, freshName, onFeeds, migrated, countersOf } = prepareGround(open, 'd')

    it('makes a database once, empty, and says so the second time', async () => {
      const name = freshName()
      expect(await server.has(name)).toBe(false)
      expect([await server.create(name), await server.create(name), await other.create(name)]).toEqual([true, false, false])
      expect([await server.has(name), await other.has(name), await server.isEmpty(name)]).toEqual([true, true, true])
    })

    it('lets exactly one of those create it that race', async () => {
      for (let round = 0; round < 5; round++) {
        const name = freshName()
        const won = await Promise.all([server, other, server, other, server, other].map(racer => racer.create(name)))
        expect(won.filter(Boolean)).toHaveLength(1)
      }
    })

    it('creates again what is there without touching it', async () => {
      const name = await migrated()
      await onFeeds(name, database => insertRows(database, 'counters', [{ tenant_id: 1, name: 'feeds', next: 7 }]))
      expect([await server.create(name), await server.isEmpty(name)]).toEqual([false, false])
      expect(await countersOf(name)).toEqual([{ tenant_id: 1, name: 'feeds', next: 7 }])
    })

    it('says SCHEMA_MISSING of a missing database, and creates nothing', async () => {
      const name = freshName()
      const missing = { code: 'SCHEMA_MISSING' }
      await expect(onFeeds(name, ledger)).rejects.toMatchObject(missing)
      await expect(server.hold<TenantSchema>(name).then(ledger)).rejects.toMatchObject(missing)
      await expect(server.isEmpty(name)).rejects.toMatchObject(missing)
      expect([await server.has(name), await server.drop(name), await server.drop(name)]).toEqual([false, false, false])
    })

    it('says SCHEMA_MISSING of a missing table', async () => {
      const name = freshName()
      await server.create(name)
      await expect(onFeeds(name, ledger)).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
      expect(await server.isEmpty(name)).toBe(true)
    })

    it('drops one and keeps its neighbours of longer and shorter names', async () => {
      const names = ['nb', 'nb_2', 'nb_', 'n', 'nb2'].map(named)
      for (const name of names) await server.create(name)
      await onFeeds(named('nb_2'), database => applyMigrations(database, TENANT_MIGRATIONS, 'catalog', 1))
      expect([await server.drop(named('nb')), await server.drop(named('nb')), await server.has(named('nb'))]).toEqual([
        true,
        false,
        false,
      ])
      for (const name of names.slice(1)) expect(await server.has(name)).toBe(true)
      expect(await server.isEmpty(named('nb_2'))).toBe(false)
    })

    it('names those that begin with the prefix, in order, and none that only looks alike', async () => {
      for (const name of ['ls_b', 'ls_a', 'lsxa', 'ls', 'als_a']) await server.create(named(name))
      expect(await server.names(named('ls_'))).toEqual([named('ls_a'), named('ls_b')])
      expect(await server.names(named('none_'))).toEqual([])
    })

    it('shows a database as it was at one moment, keeps no writer waiting, and lets nobody write there', async () => {
      const name = await migrated()
      const write = (counter: 'feeds' | 'posts') =>
        onFeeds(name, database => insertRows(database, 'counters', [{ tenant_id: 1, name: counter, next: 1 }]))
      await write('feeds')
      await server.snapshot<TenantSchema, void>(name, async reader => {
        const mine = () => reader.selectFrom('counters').select('name').where('tenant_id', '=', 1).execute()
        expect(await mine()).toEqual([{ name: 'feeds' }])
        await write('posts')
        expect(await mine()).toEqual([{ name: 'feeds' }])
        await expect(reader.deleteFrom('counters').where('tenant_id', '=', 1).execute()).rejects.toThrow()
      })
      expect(await countersOf(name)).toHaveLength(2)
      const missing = freshName()
      const looked = server.snapshot<TenantSchema, unknown>(missing, reader =>
        reader.selectFrom('counters').select('next').where('tenant_id', '=', 1).execute(),
      )
      await expect(looked).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
      expect(await server.has(missing)).toBe(false)
    })

    it('is the same server as another user, where it knows users', async () => {
      const itself = server.asUser('nobody_there', 'no word')
      expect(itself === null).toBe(server.dialect === 'sqlite')
      await expect(itself?.has(freshName()) ?? Promise.reject({ code: 'CONFIG_INVALID' })).rejects.toMatchObject({
        code: 'CONFIG_INVALID',
      })
      await itself?.close()
      await itself?.close()
    })

    it('has nothing of a dropped database in one that is created again', async () => {
      const name = await migrated()
      expect(await server.drop(name)).toBe(true)
      expect([await server.create(name), await server.isEmpty(name)]).toEqual([true, true])
    })

    it('migrates twice calmly, also from two sides at once', async () => {
      const name = freshName()
      await server.create(name)
      const both = [server, other, server].map(side =>
        onFeeds(name, database => applyMigrations(database, TENANT_MIGRATIONS, 'catalog', 1), side),
      )
      expect(await Promise.all(both)).toEqual(Array(3).fill(TENANT_MIGRATIONS.at(-1)?.version))
      expect(await onFeeds(name, ledger)).toEqual(applied('catalog'))
    })

    it('refuses to migrate what another catalog owns, or a later version migrated, and changes nothing', async () => {
      const name = await migrated()
      await expect(onFeeds(name, database => applyMigrations(database, TENANT_MIGRATIONS, 'other', 2))).rejects.toMatchObject({
        code: 'DATABASE_TAKEN',
      })
      const later = { version: 99, catalog_id: 'catalog', applied_at: 3 }
      await onFeeds(name, database => insertRows(database, 'feedctl_migrations', [later]))
      await expect(onFeeds(name, database => applyMigrations(database, TENANT_MIGRATIONS, 'catalog', 4))).rejects.toMatchObject({
        code: 'SCHEMA_NEWER',
      })
      expect(await onFeeds(name, ledger)).toEqual([...applied('catalog'), later])
    })

    it('lets a deed open other databases, many at once', async () => {
      const names = await Promise.all([migrated(), migrated(), migrated(), migrated(), migrated(), migrated()])
      const [first = names[0], ...rest] = names
      const seen = await onFeeds(first as DatabaseName, async () => Promise.all(rest.map(name => onFeeds(name, ledger))))
      expect(seen.flat()).toHaveLength(5 * TENANT_MIGRATIONS.length)
    })

    it('counts the statements that it is sent, on every database and in transactions', async () => {
      const names = [await migrated(), await migrated()]
      const sentBy = async (deed: () => Promise<unknown>) => {
        const before = server.statements
        await deed()
        return server.statements - before
      }
      for (const name of names) expect(await sentBy(() => countersOf(name))).toBe(1)
      const before = other.statements
      expect(await sentBy(() => Promise.all(names.map(name => countersOf(name))))).toBe(2)
      expect(other.statements).toBe(before)
      const inTransaction = (database: OpenDatabase<TenantSchema>) =>
        database.kysely.transaction().execute(tx => tx.deleteFrom('counters').where('tenant_id', '=', 1).execute())
      expect(await sentBy(() => onFeeds(names[0] as DatabaseName, inTransaction))).toBe(3)
      expect(await sentBy(() => server.has(freshName()))).toBe(server.dialect === 'mysql' ? 1 : 0)
    })

    it('refuses a query that names no tenant, before the server sees it', async () => {
      const name = await migrated()
      await expect(onFeeds(name, ({ kysely }) => kysely.selectFrom('posts').selectAll().execute())).rejects.toThrow(
        'does not name its tenant',
      )
      await expect(onFeeds(name, ({ kysely }) => kysely.deleteFrom('feeds').execute())).rejects.toThrow(
        'does not name its tenant',
      )
      await expect(onFeeds(name, ({ kysely }) => sql`selec nonsense`.execute(kysely))).rejects.not.toMatchObject({
        name: 'Failure',
      })
    })
  })
}
