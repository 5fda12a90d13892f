import type { Insertable } from 'kysely'
import { describe, expect, it } from 'vitest'
import { type DatabaseServer, insertRows, type TenantSchema } from '../../../src/tenants/databases/index.js'
import type { DatabaseName } from '../../../src/tenants/ids.js'
import { type OpenServer, prepareGround } from './ground.js'

/** What every database does with rows. */
export function keepsTheRowsContract(open: OpenServer): void {
  describe('keeps rows as promised:', () => {
    const { server, other, onFeeds, migrated, countersOf } = prepareGround(open, 'r')
    const postsOf = (name: DatabaseName) =>
      onFeeds(name, ({ kysely }) => kysely.selectFrom('posts').selectAll().where('tenant_id', '=', 1).orderBy('id').execute())

    it('undoes a transaction that throws, and keeps one that ends', async () => {
      const name = await migrated()
      const write = (next: number, then: () => void) =>
        onFeeds(name, database =>
          database.kysely.transaction().execute(async tx => {
            await insertRows<TenantSchema, 'counters', TenantSchema['counters']>(
              database,
              'counters',
              [{ tenant_id: next, name: 'feeds', next }],
              'fail',
              tx,
            )
            then()
          }),
        )
      await expect(
        write(1, () => {
          throw new Error('no')
        }),
      ).rejects.toThrow('no')
      expect(await countersOf(name)).toEqual([])
      await write(2, () => {})
      expect(await countersOf(name, 2, other)).toEqual([{ tenant_id: 2, name: 'feeds', next: 2 }])
    })

    it('makes writers of one row wait for each other, also on two sets of connections', async () => {
      const name = await migrated()
      await onFeeds(name, database => insertRows(database, 'counters', [{ tenant_id: 1, name: 'posts', next: 0 }]))
      const bump = (at: DatabaseServer) =>
        onFeeds(
          name,
          database =>
            database.kysely.transaction().execute(async tx => {
              const mine = () => tx.updateTable('counters').where('tenant_id', '=', 1).where('name', '=', 'posts')
              await mine()
                .set(eb => ({ next: eb('next', '+', 0) }))
                .execute()
              const { next } = await tx.selectFrom('counters').select('next').where('tenant_id', '=', 1).executeTakeFirstOrThrow()
              await new Promise(setImmediate)
              await mine()
                .set({ next: next + 1 })
                .execute()
            }),
          at,
        )
      await Promise.all(Array.from({ length: 40 }, (_, n) => bump(n % 2 === 0 ? server : other)))
      expect(await countersOf(name)).toEqual([{ tenant_id: 1, name: 'posts', next: 40 }])
    })

    it.each([
      ['emoji and joined ones', '😀 👩‍👩‍👧‍👦 🏳️‍🌈'],
      ['four-byte letters', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 漢字'],
      ['quotes and backslashes', `' " \` \\ \\' \\0 \\n %s ? :x ; --`],
      ['control characters', Array.from({ length: 31 }, (_, n) => String.fromCharCode(n + 1)).join('')],
      ['unnormalised and invisible ones', 'e\u0301 é \u200b\u200e\ufeff\u00a0 trailing  '],
      ['nothing', ''],
      ['300,000 characters', `${'x😀'.repeat(100_000)}end`],
    ])('gives back %s as they were', async (_what, text) => {
      const name = await migrated()
      await onFeeds(name, database => insertRows(database, 'posts', [post(1, { content: text, guid: 'g' })]))
      const [row] = await postsOf(name)
      expect(row?.content === text).toBe(true)
    })

    it('tells hashes apart that differ in case only', async () => {
      const name = await migrated()
      await onFeeds(name, database =>
        insertRows(database, 'posts', [post(1, { guid_hash: 'a'.repeat(22) }), post(2, { guid_hash: 'A'.repeat(22) })]),
      )
      expect((await postsOf(name)).map(row => row.guid_hash)).toEqual(['a'.repeat(22), 'A'.repeat(22)])
    })

    it('gives numbers back as numbers, up to the largest safe one', async () => {
      const name = await migrated()
      const row = { tenant_id: Number.MAX_SAFE_INTEGER, name: 'feeds' as const, next: 4_102_444_800_123 }
      await onFeeds(name, database => insertRows(database, 'counters', [row]))
      expect(
        await onFeeds(name, ({ kysely }) =>
          kysely.selectFrom('counters').selectAll().where('tenant_id', '=', row.tenant_id).execute(),
        ),
      ).toEqual([row])
    })

    it('inserts more than fits one statement, in characters and in parameters, in order', async () => {
      const name = await migrated()
      const long = 'é😀'.repeat(40_000)
      const many = Array.from({ length: 4_000 }, (_, n) => post(n + 1, { content: n % 400 === 0 ? long : `post ${n}` }))
      await onFeeds(name, database => insertRows(database, 'posts', many))
      const rows = await postsOf(name)
      expect(rows).toHaveLength(4_000)
      expect(rows.every((row, n) => row.id === n + 1 && row.content === many[n]?.content)).toBe(true)
    })

    it('inserts nothing at all for no rows', async () => {
      const name = await migrated()
      await onFeeds(name, database => insertRows(database, 'counters', []))
      expect(await countersOf(name)).toEqual([])
    })

    it('fails, keeps or replaces where a key is there, as it is told', async () => {
      const name = await migrated()
      const insert = (next: number, how: Parameters<typeof insertRows<TenantSchema, 'counters', TenantSchema['counters']>>[3]) =>
        onFeeds(name, database =>
          insertRows<TenantSchema, 'counters', TenantSchema['counters']>(
            database,
            'counters',
            [
              { tenant_id: 1, name: 'feeds', next },
              { tenant_id: next, name: 'posts', next },
            ],
            how,
          ),
        )
      await insert(10, 'fail')
      await expect(insert(11, 'fail')).rejects.toThrow()
      expect(await countersOf(name)).toEqual([{ tenant_id: 1, name: 'feeds', next: 10 }])
      await insert(12, 'keep')
      expect(await countersOf(name)).toEqual([{ tenant_id: 1, name: 'feeds', next: 10 }])
      await insert(13, { key: ['tenant_id', 'name'], replace: ['next'] })
      expect(await countersOf(name)).toEqual([{ tenant_id: 1, name: 'feeds', next: 13 }])
      const others = await Promise.all(
        [10, 11, 12, 13].map(id =>
          onFeeds(name, ({ kysely }) => kysely.selectFrom('counters').selectAll().where('tenant_id', '=', id).execute()),
        ),
      )
      expect(others.map(rows => rows.length)).toEqual([1, 0, 1, 1])
    })

    it('counts changed rows the same way everywhere: those that matched', async () => {
      const name = await migrated()
      await onFeeds(name, database => insertRows(database, 'counters', [{ tenant_id: 1, name: 'feeds', next: 1 }]))
      const same = await onFeeds(name, ({ kysely }) =>
        kysely.updateTable('counters').set({ next: 1 }).where('tenant_id', '=', 1).executeTakeFirst(),
      )
      expect(same.numUpdatedRows).toBe(1n)
    })
  })
}

function post(id: number, own: Partial<Insertable<TenantSchema['posts']>>): Insertable<TenantSchema['posts']> {
  return {
    tenant_id: 1,
    id,
    feed_id: 1,
    guid: `guid ${id}`,
    guid_hash: String(id).padStart(22, '0'),
    content_hash: 'c'.repeat(22),
    url: null,
    title: '',
    author: null,
    published_at: null,
    updated_at: null,
    content: '',
    categories: '[]',
    image: null,
    enclosures: '[]',
    created_at: 1,
    changed_at: 1,
    ...own,
  }
}
