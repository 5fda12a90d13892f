import { DummyDriver, Kysely, type KyselyPlugin, MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler, sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { tenantGuard } from '../../../src/tenants/databases/guard.js'
import type { CatalogSchema, TenantSchema } from '../../../src/tenants/databases/index.js'

type Schema = TenantSchema & Pick<CatalogSchema, 'run_tenants' | 'sources'>
type Query = { compile(): { sql: string } }

const guarded = (...plugins: KyselyPlugin[]) =>
  new Kysely<Schema>({
    dialect: {
      createAdapter: () => new MysqlAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: db => new MysqlIntrospector(db),
      createQueryCompiler: () => new MysqlQueryCompiler(),
    },
    plugins,
  })
const databases = { plain: guarded(tenantGuard), 'with a schema': guarded(tenantGuard).withSchema('tenant_acme') }

const refused: Record<string, (db: Kysely<Schema>) => Query> = {
  'a select of everything': db => db.selectFrom('posts').selectAll(),
  'an update of everything': db => db.updateTable('feeds').set({ title: 'x' }),
  'a delete of everything': db => db.deleteFrom('posts'),
  'a select by another column': db => db.selectFrom('posts').selectAll().where('id', '=', 1),
  'a delete by another column': db => db.deleteFrom('counters').where('name', '=', 'feeds'),
  'an alias': db => db.selectFrom('posts as p').selectAll().where('p.id', '=', 1),
  'a filter on an alias that is another table': db =>
    db.selectFrom(['posts as feeds', 'feeds as other']).select('feeds.id').where('feeds.tenant_id', '=', 1),
  'a join whose left side is unfiltered': db =>
    db.selectFrom('feeds').innerJoin('posts', 'posts.feed_id', 'feeds.id').select('feeds.id').where('posts.tenant_id', '=', 1),
  'a join whose right side is unfiltered': db =>
    db.selectFrom('feeds').innerJoin('posts', 'posts.feed_id', 'feeds.id').select('feeds.id').where('feeds.tenant_id', '=', 1),
  'a join of tenants with tenants, and no tenant': db =>
    db.selectFrom('feeds').innerJoin('posts', 'posts.tenant_id', 'feeds.tenant_id').select('feeds.id'),
  'a left join whose ON is all there is': db =>
    db
      .selectFrom('feeds')
      .leftJoin('posts', j => j.onRef('posts.tenant_id', '=', 'feeds.tenant_id').on('feeds.tenant_id', '=', 1))
      .select('feeds.id'),
  'a right join filtered in its ON': db =>
    db
      .selectFrom('feeds')
      .rightJoin('posts', j => j.on('posts.tenant_id', '=', 1))
      .select('posts.id')
      .where('feeds.tenant_id', '=', 1),
  'a cross join': db => db.selectFrom('feeds').crossJoin('posts').select('feeds.id').where('feeds.tenant_id', '=', 1),
  'a list of tables': db => db.selectFrom(['feeds', 'posts']).select('feeds.id').where('feeds.tenant_id', '=', 1),
  'a column without its table, where there are two': db =>
    db.selectFrom('feeds as a').innerJoin('feeds as b', 'a.id', 'b.id').select('a.id').where('a.tenant_id', '=', 1),
  'a subquery in a condition': db =>
    db
      .selectFrom('feeds')
      .selectAll()
      .where('tenant_id', '=', 1)
      .where('id', 'in', eb => eb.selectFrom('posts').select('feed_id')),
  'a subquery that leans on the tenant outside': db =>
    db
      .selectFrom('feeds')
      .selectAll()
      .where('feeds.tenant_id', '=', 1)
      .where(eb => eb.exists(eb.selectFrom('posts').select('posts.id').whereRef('posts.tenant_id', '=', 'feeds.tenant_id'))),
  'a subquery as a column': db =>
    db
      .selectFrom('feeds')
      .select(eb => eb.selectFrom('posts').select(eb.fn.countAll().as('n')).as('n'))
      .where('tenant_id', '=', 1),
  'a subquery as a table': db =>
    db
      .selectFrom(eb => eb.selectFrom('posts').selectAll().as('p'))
      .selectAll()
      .where('p.tenant_id', '=', 1),
  'a subquery of a table that no tenant has': db =>
    db
      .selectFrom('sources')
      .selectAll()
      .where('id', 'in', eb => eb.selectFrom('feeds').select('source_id')),
  'a common table': db =>
    db
      .with('mine', q => q.selectFrom('posts').selectAll())
      .selectFrom('mine')
      .selectAll()
      .where('tenant_id', '=', 1),
  'a union': db => db.selectFrom('feeds').select('id').where('tenant_id', '=', 1).union(db.selectFrom('feeds').select('id')),
  'an or that lets others in': db =>
    db
      .selectFrom('posts')
      .selectAll()
      .where(eb => eb.or([eb('tenant_id', '=', 1), eb('id', '=', 2)])),
  'an or of tenants': db =>
    db
      .selectFrom('posts')
      .selectAll()
      .where(eb => eb.or([eb('tenant_id', '=', 1), eb('tenant_id', '=', 2)])),
  'a not': db =>
    db
      .selectFrom('posts')
      .selectAll()
      .where(eb => eb.not(eb('tenant_id', '=', 1))),
  'a list of tenants': db => db.selectFrom('posts').selectAll().where('tenant_id', 'in', [1, 2]),
  'a tenant compared with another column': db => db.selectFrom('posts').selectAll().whereRef('tenant_id', '=', 'id'),
  'a tenant compared with itself': db => db.selectFrom('posts').selectAll().whereRef('tenant_id', '=', 'tenant_id'),
  'a tenant compared with an expression': db =>
    db.selectFrom('posts').selectAll().where('tenant_id', '=', sql<number>`tenant_id`),
  'a value compared with a value of that name': db => db.selectFrom('posts').selectAll().where('title', '=', 'tenant_id'),
  'an insert from an unfiltered select': db =>
    db
      .insertInto('counters')
      .columns(['tenant_id', 'name', 'next'])
      .expression(eb => eb.selectFrom('counters').select(['tenant_id', 'name', 'next'])),
  'an update of two tables': db => db.updateTable(['feeds', 'posts']).set({ title: 'x' }).where('feeds.tenant_id', '=', 1),
  'an update from another table': db =>
    db.updateTable('feeds').from('posts').set({ title: 'x' }).where('feeds.tenant_id', '=', 1),
  'a delete using another table': db => db.deleteFrom('feeds').using(['feeds', 'posts']).where('feeds.tenant_id', '=', 1),
  'a having': db => db.selectFrom('posts').select('tenant_id').groupBy('tenant_id').having('tenant_id', '=', 1),
  ...Object.fromEntries(
    (['!=', '<>', '>', '>=', '<', '<=', 'is not', 'like', 'not in', '<=>'] as const).map(operator => [
      `a tenant compared by ${operator}`,
      (db: Kysely<Schema>) =>
        db
          .selectFrom('posts')
          .selectAll()
          .where(eb => eb('tenant_id', operator, operator === 'not in' ? [1] : 1)),
    ]),
  ),
}

const passing: Record<string, (db: Kysely<Schema>) => Query> = {
  'a filtered select': db => db.selectFrom('posts').selectAll().where('tenant_id', '=', 1),
  'a filter after others': db => db.selectFrom('posts').selectAll().where('id', '>', 2).where('posts.tenant_id', '=', 1),
  'a filter beside an or': db =>
    db
      .selectFrom('posts')
      .selectAll()
      .where(eb => eb.and([eb('tenant_id', '=', 1), eb.or([eb('id', '=', 2), eb('id', '=', 3)])])),
  'a filter the other way round': db =>
    db
      .selectFrom('posts')
      .selectAll()
      .where(eb => eb(eb.val(1), '=', eb.ref('tenant_id'))),
  'a filtered update': db => db.updateTable('feeds').set({ title: 'x' }).where('tenant_id', '=', 1),
  'a filtered delete': db => db.deleteFrom('posts').where('posts.tenant_id', '=', 1).where('id', '<', 9),
  'a filtered alias': db => db.selectFrom('posts as p').select('p.id').where('p.tenant_id', '=', 1),
  'a join filtered on both sides': db =>
    db
      .selectFrom('feeds')
      .innerJoin('posts', j => j.onRef('posts.feed_id', '=', 'feeds.id').on('posts.tenant_id', '=', 1))
      .select('posts.id')
      .where('feeds.tenant_id', '=', 1),
  'a join that hands the tenant on': db =>
    db
      .selectFrom('feeds')
      .innerJoin('posts', j => j.onRef('posts.feed_id', '=', 'feeds.id').onRef('posts.tenant_id', '=', 'feeds.tenant_id'))
      .select('posts.id')
      .where('feeds.tenant_id', '=', 1),
  'a left join that hands the tenant on': db =>
    db
      .selectFrom('feeds')
      .leftJoin('posts', 'posts.tenant_id', 'feeds.tenant_id')
      .select('posts.id')
      .where('feeds.tenant_id', '=', 1),
  'a filtered subquery': db =>
    db
      .selectFrom('feeds')
      .selectAll()
      .where('tenant_id', '=', 1)
      .where('id', 'in', eb => eb.selectFrom('posts').select('feed_id').where('tenant_id', '=', 1)),
  'an insert': db => db.insertInto('counters').values({ tenant_id: 1, name: 'feeds', next: 1 }),
  'tables that are no tenant’s': db =>
    db.selectFrom('run_tenants').innerJoin('sources', 'sources.id', 'run_tenants.tenant_id').select('sources.id'),
  'a join with a table that is no tenant’s': db =>
    db
      .selectFrom('feeds')
      .innerJoin('sources', 'sources.id', 'feeds.source_id')
      .select('sources.id')
      .where('feeds.tenant_id', '=', 1),
}

describe.each(Object.entries(databases))('the tenant guard (%s)', (_name, db) => {
  it.each(Object.entries(refused))('refuses %s', (_what, query) => {
    expect(() => query(db).compile()).toThrow('does not name its tenant')
  })

  it.each(Object.entries(passing))('lets %s pass', (_what, query) => {
    expect(query(db).compile().sql).toContain('`')
  })
})

it('every query that is refused is one that MySQL would have run', () => {
  const unguarded = guarded()
  for (const query of Object.values(refused))
    expect(query(unguarded).compile().sql).toMatch(/^(select|update|delete|insert|with) /)
})
