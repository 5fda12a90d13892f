import { randomInt } from 'node:crypto'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { TENANT_TABLES, type TenantSchema } from '../../../src/tenants/databases/index.js'
import { copyRows, verifyRows, type Way } from '../../../src/tenants/moving/copy.js'
import { emptyPlace, holdPlace } from '../../../src/tenants/moving/holding.js'
import { digestOf, type Key, keyIn, type Place, readRows } from '../../../src/tenants/moving/rows.js'
import { columnsOf, isBytes, keyOf, MOVED_TABLES, type MovedTable } from '../../../src/tenants/moving/shapes.js'
import { describeDatabases, type Installation, openInstallation, tenantIn } from '../installation.js'
import { furnish } from '../transfer/furnish.js'
import { rowsIn } from './ground.js'

const ALL = { after: null, upTo: null }
const SIGNAL = new AbortController().signal

/** A tenant with rows in every table, and a database of its neighbour's to copy them to. */
async function withWay(here: Installation, name: string, deed: (way: Way, same: () => Promise<void>) => Promise<void>) {
  const tenant = await tenantIn(here, name)
  const other = await tenantIn(here, `${name}-there`)
  await furnish(here.catalog, tenant)
  await here.catalog.server.use<TenantSchema, void>(tenant.placement.database, from =>
    here.catalog.server.use<TenantSchema, void>(other.placement.database, async to => {
      const holder = randomInt(1, 2 ** 40)
      const way: Way = {
        from: { database: from, tenantId: tenant.id },
        to: { database: to, tenantId: tenant.id },
        holder,
        signal: SIGNAL,
      }
      await holdPlace(way.to, holder)
      const same = async () =>
        expect(await rowsIn(here.catalog, tenant.id, other.placement)).toEqual(
          await rowsIn(here.catalog, tenant.id, tenant.placement),
        )
      await deed(way, same)
    }),
  )
}

/** Of one row, or of all. */
function change({ database, tenantId }: Place, table: MovedTable, set: string, key: Key = []): Promise<unknown> {
  const name = sql.raw(database.qualify(table))
  const quote = database.dialect === 'mysql' ? '`' : '"'
  const row = key.map((value, index) => sql` and ${sql.raw(quote + keyOf(table)[index] + quote)} = ${value}`)
  return sql`update ${name} set ${sql.raw(set)} where tenant_id = ${tenantId}${sql.join(row, sql``)}`.execute(database.kysely)
}

describeDatabases('the copy of a tenant', (env, kind) => {
  it('knows every column of every table, and every key', async () => {
    const here = await openInstallation(env)
    const { placement } = await tenantIn(here, 'shapes')
    const names = await here.catalog.server.use<TenantSchema, Map<string, { all: string[]; key: string[] }>>(
      placement.database,
      async ({ kysely }) => {
        const found = new Map<string, { all: string[]; key: string[] }>()
        for (const table of MOVED_TABLES) {
          const query =
            kind === 'mysql'
              ? sql<{
                  name: string
                  pk: number
                  made: number
                }>`select c.column_name as name, coalesce(k.ordinal_position, 0) as pk,
                  c.extra like '%GENERATED%' as made from information_schema.columns c left join information_schema.key_column_usage k
                  on k.table_schema = c.table_schema and k.table_name = c.table_name and k.column_name = c.column_name and k.constraint_name = 'PRIMARY'
                  where c.table_schema = ${placement.database} and c.table_name = ${table}`
              : sql<{
                  name: string
                  pk: number
                  made: number
                }>`select name, pk, hidden > 0 as made from pragma_table_xinfo(${table})`
          const rows = (await query.execute(kysely)).rows.filter(({ name, made }) => name !== 'tenant_id' && Number(made) === 0)
          const key = rows.filter(({ pk }) => Number(pk) > 0).toSorted((a, b) => Number(a.pk) - Number(b.pk))
          found.set(table, { all: rows.map(({ name }) => name).sort(), key: key.map(({ name }) => name) })
        }
        return found
      },
    )
    for (const table of MOVED_TABLES)
      expect([table, names.get(table)]).toEqual([table, { all: [...columnsOf(table)].sort(), key: keyOf(table) }])
    expect([...TENANT_TABLES].filter(table => table !== 'residents').sort()).toEqual([...MOVED_TABLES].sort())
  })

  it('differs by its digest when any column of any table does, and is mended', async () => {
    const here = await openInstallation(env)
    await withWay(here, 'digests', async (way, same) => {
      await copyRows(way, {}, async () => {})
      await same()
      for (const table of MOVED_TABLES) {
        const right = await digestOf(way.from, table, ALL)
        expect(right.rows).toBeGreaterThan(0)
        expect(await digestOf(way.to, table, ALL)).toEqual(right)
        for (const column of columnsOf(table).filter(name => !keyOf(table).includes(name))) {
          const quoted = kind === 'mysql' ? `\`${column}\`` : `"${column}"`
          const other = isBytes(table, column)
            ? "x'00'"
            : `case when ${quoted} is null then '7' when ${quoted} = '7' then '8' else '7' end`
          const [first] = await readRows(way.to, table, ALL, 1)
          await change(way.to, table, `${quoted} = ${other}`, keyIn(table, first ?? {}))
          expect([column, await digestOf(way.to, table, ALL)]).not.toEqual([column, right])
          await verifyRows(way)
          expect([column, await digestOf(way.to, table, ALL)]).toEqual([column, right])
        }
      }
      await same()
    })
  }, 120_000)

  it('tells null from nothing and from the word, and where one value ends', async () => {
    const here = await openInstallation(env)
    await withWay(here, 'nulls', async way => {
      const digests = new Set<string>()
      const texts = ['null', "''", "'NULL'", "'null'", `''','''`, `',NULL'`]
      for (const title of texts) {
        for (const author of texts) {
          await change(way.from, 'posts', `url = ${title}, author = ${author}`)
          digests.add((await digestOf(way.from, 'posts', ALL)).digest)
        }
      }
      expect(digests.size).toBe(texts.length ** 2)
    })
  })

  it('loses what is too much, gets what is missing, and follows values that went from one row to another', async () => {
    const here = await openInstallation(env)
    await withWay(here, 'changes', async (way, same) => {
      await copyRows(way, {}, async () => {})
      const posts = sql.raw(way.from.database.qualify('posts'))
      const there = sql.raw(way.to.database.qualify('posts'))
      const run = (query: ReturnType<typeof sql>, at: Place) => query.execute(at.database.kysely)
      const id = way.from.tenantId
      await run(sql`delete from ${posts} where tenant_id = ${id} and id in (1, 2, 40)`, way.from)
      await run(sql`update ${posts} set guid_hash = 'of a post that is gone' where tenant_id = ${id} and id = 30`, way.from)
      await run(
        sql`update ${there} set guid_hash = 'of a post that is gone', feed_id = 1 where tenant_id = ${id} and id = 40`,
        way.to,
      )
      await run(sql`update ${there} set id = 5000 where tenant_id = ${id} and id = 7`, way.to)
      const rows = await verifyRows(way)
      await same()
      expect(rows).toBe(
        (await Promise.all(MOVED_TABLES.map(table => digestOf(way.to, table, ALL)))).reduce((sum, one) => sum + one.rows, 0),
      )
    })
  })

  it('goes on behind the key it has reached, and is calm about what is there', async () => {
    const here = await openInstallation(env)
    await withWay(here, 'resumed', async (way, same) => {
      const notes: unknown[] = []
      await copyRows(way, { counters: 'end', feeds: [1], posts: [20] }, async now => void notes.push(now))
      expect((await digestOf(way.to, 'posts', ALL)).rows).toBe(20)
      expect((await digestOf(way.to, 'counters', ALL)).rows).toBe(0)
      expect(notes.at(-1)).toEqual(Object.fromEntries(MOVED_TABLES.map(table => [table, 'end'])))
      await copyRows(way, {}, async () => {})
      await copyRows(way, {}, async () => {})
      await same()
    })
  })

  it('is written by nobody who held it before', async () => {
    const here = await openInstallation(env)
    await withWay(here, 'taken', async way => {
      await holdPlace(way.to, way.holder + 1)
      await expect(copyRows(way, {}, async () => {})).rejects.toMatchObject({ code: 'LOCKED' })
      await expect(emptyPlace(way.to, way.holder, SIGNAL)).rejects.toMatchObject({ code: 'LOCKED' })
      expect((await digestOf(way.to, 'posts', ALL)).rows).toBe(0)
    })
  })
})
