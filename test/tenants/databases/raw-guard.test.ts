import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CompiledQuery, sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { refuseRawUnfiltered } from '../../../src/tenants/databases/raw-guard.js'
import { describeDatabases, openInstallation, tenantIn } from '../installation.js'

const REFUSED = [
  'select * from posts',
  'select id from `tenant_acme`.`posts` where id = ?',
  'SELECT count(*) FROM "feeds"',
  'select 1 from sources, posts where posts.id = ?',
  'select 1 from sources as s , `x`.`posts` where 1',
  'update media set state = ? where id in (?, ?)',
  'update `t`.`media` set tenant_id = ?, state = ? where id = 1',
  'delete from events',
  'truncate table events',
  'insert into posts (id, guid) values (?, ?)',
  'insert into posts values (?, ?)',
  'insert or ignore into "posts" (id) values (?)',
  'insert into posts (tenant_id, id) select tenant_id, id from posts',
  'replace into counters (name, next) values (?, ?)',
  'select 1 from feeds join posts on posts.feed_id = feeds.id where feeds.tenant_id = ?',
  'select * from posts where tenant_id = tenant_id',
  'select * from posts where tenant_id > ?',
  '/* of all tenants */ delete from posts',
  'explain delete from posts',
  'explain select * from posts where 1',
  'explain query plan select * from posts',
  'analyze table `t`.`posts`',
  'explain analyze select * from posts',
  'analyze select * from posts',
  '/* of some tenants */ select * from posts',
  'with mine as (select * from posts) select * from mine where 1 = ?',
]
const PASSING = [
  '\n  /* of all tenants */ select distinct source_id from feeds',
  'select * from posts where tenant_id = ?',
  'select * from `t`.`posts` as p where p.`tenant_id` = ? and id > ?',
  'update media set state = case id when ? then ? end where tenant_id = ? and id in (?)',
  'insert into `t`.`posts` (tenant_id, id) values (?, ?), (?, ?)',
  'insert ignore into posts (tenant_id, title) values (1, "select * from posts")',
  'insert into counters (tenant_id, name, next) select tenant_id, name, next from counters where tenant_id = ?',
  'select 1 from feeds join posts on posts.tenant_id = ? where feeds.tenant_id = ?',
  'create table if not exists posts (tenant_id integer not null)',
  'alter table posts add index posts_feed (tenant_id, feed_id)',
  'create index if not exists posts_feed on posts (tenant_id, feed_id)',
  'select * from sources where id = ?',
  'select sum(events) from event_days where tenant_id = ?',
  'delete from run_tenants where tenant_id = ?',
  'begin immediate',
]

const OF_ALL_SCHEMAS = [
  'select schema_name as name from information_schema.schemata where left(schema_name, ?) = ?',
  'select 1 from information_schema.tables',
  'select table_schema from `information_schema`.`columns` where table_schema like ?',
  'SELECT 1 FROM INFORMATION_SCHEMA.STATISTICS group by table_schema',
]
const OF_ONE_SCHEMA = [
  'select 1 from information_schema.schemata where schema_name = ?',
  'select 1 from information_schema.tables where table_schema = ? limit 1',
  'select id from information_schema.processlist where id <> connection_id()',
  'select id from `information_schema`.`processlist`',
  'show databases like ?',
]

describe('SQL that was written by hand', () => {
  it.each(REFUSED)('is refused: %s', text => {
    expect(() => refuseRawUnfiltered(text)).toThrow('does not name its tenant')
  })

  it.each(OF_ALL_SCHEMAS)('is refused as a walk over the whole server: %s', text => {
    expect(() => refuseRawUnfiltered(text)).toThrow('looks at every schema of the server')
  })

  it.each([...PASSING, ...OF_ONE_SCHEMA])('passes: %s', text => {
    refuseRawUnfiltered(text)
  })
})

it('is put to the rows of all tenants by three modules only: numbers of sources, and of tenants', () => {
  const root = resolve(import.meta.dirname, '../../../src')
  const files = readdirSync(root, { recursive: true }).map(String)
  const askers = files.filter(
    file => file.endsWith('.ts') && readFileSync(join(root, file), 'utf8').includes('/* of all tenants */'),
  )
  expect(askers.toSorted()).toEqual(['tenants/removal/strays.ts', 'tenants/residents.ts', 'tenants/source-readers.ts'])
})

describeDatabases('a database', env => {
  it('is sent nothing by hand that names no tenant, however it is sent', async () => {
    const { catalog, ...here } = await openInstallation(env)
    const tenant = await tenantIn({ catalog, ...here }, 'raw', 'shared')
    const server = await catalog.hosts.serverOf('default')
    await server.use<{ posts: { tenant_id: number; id: number } }, void>(tenant.placement.database, async database => {
      const { kysely } = database
      const posts = database.qualify('posts')
      const words = 'does not name its tenant'
      const compiled = CompiledQuery.raw(`select id from ${posts}`)
      await expect(kysely.executeQuery(compiled)).rejects.toThrow(words)
      await expect(sql`delete from ${sql.raw(posts)}`.execute(kysely)).rejects.toThrow(words)
      const within = kysely
        .selectFrom('posts')
        .selectAll()
        .where('tenant_id', '=', tenant.id)
        .where('id', 'in', sql<number>`(select id from ${sql.raw(posts)})`)
      await expect(within.execute()).rejects.toThrow(words)
      const filtered = CompiledQuery.raw(`select id from ${posts} where tenant_id = ?`, [tenant.id])
      expect((await kysely.executeQuery(filtered)).rows).toEqual([])
    })
  })
})
