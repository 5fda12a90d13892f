import { join } from 'node:path'
import type { KyselyPlugin, RootOperationNode } from 'kysely'
import Libsql from 'libsql'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { expect, it } from 'vitest'
import { type PostPlace, type PostWish, readPost, readPosts } from '../../src/feeds/read-posts.js'
import type { TenantSchema } from '../../src/tenants/databases/index.js'
import { TenantRows } from '../../src/tenants/tenant-rows.js'
import type { TestEnv } from '../support/drivers.js'
import { describeDatabases, openInstallation, tenantIn } from '../tenants/installation.js'
import { post, TenantFeeds } from './sync/tenant-feeds.js'

const ANY: PostWish = { feed: null, since: null, until: null, text: null, after: null, limit: 20, content: false }
const DAY = Date.UTC(2026, 0, 1)

/** Sends what feedctl itself sends no database, over a connection of its own. */
async function sendPlainly(
  env: TestEnv,
  name: string,
  statement: string,
  parameters: readonly unknown[] = [],
): Promise<unknown[]> {
  if (env.DB_CONNECTION !== 'mysql') {
    const file = new Libsql(join(env.FEEDCTL_DATA ?? '', 'databases', `${name}.db`), { readonly: true })
    try {
      return file.prepare(statement).all(...parameters)
    } finally {
      file.close()
    }
  }
  const connection = await createConnection({
    host: env.DB_HOST ?? '',
    port: Number(env.DB_PORT),
    user: env.DB_USERNAME ?? '',
    password: env.DB_PASSWORD ?? '',
    database: name,
  })
  try {
    return (await connection.query<RowDataPacket[]>(statement, [...parameters]))[0]
  } finally {
    await connection.end()
  }
}

describeDatabases('posts are read', (env, kind) => {
  let turn = 0
  const prepared = async (feeds = 1) => {
    const here = await openInstallation(env)
    const mine = await TenantFeeds.of(here.catalog, await tenantIn(here, `t-${++turn}`, 'shared'), feeds)
    return { mine, read: (wish: Partial<PostWish> = {}) => mine.on(tables => readPosts(tables, { ...ANY, ...wish })) }
  }

  /** The statement of the wish, and how the database would carry it out. */
  const planOf = ({ catalog, tenant }: TenantFeeds, wish: Partial<PostWish>) =>
    catalog.server.use<TenantSchema, { statement: string; plan: string }>(tenant.placement.database, async database => {
      const nodes: RootOperationNode[] = []
      const keep: KyselyPlugin = {
        transformQuery({ node }) {
          nodes.push(node)
          return node
        },
        transformResult: async ({ result }) => result,
      }
      await readPosts(new TenantRows(database, database.kysely.withPlugin(keep), tenant.id), { ...ANY, ...wish })
      const [node] = nodes
      if (node === undefined || nodes.length > 1) throw new Error(`${nodes.length} statements`)
      const { sql: statement, parameters } = database.kysely.getExecutor().compileQuery(node, { queryId: 'explained' })
      const explain = kind === 'mysql' ? 'explain' : 'explain query plan'
      const rows = await sendPlainly(env, tenant.placement.database, `${explain} ${statement}`, parameters)
      return { statement, plan: JSON.stringify(rows) }
    })

  it('the newest first, in pages that neither miss nor repeat one while others are stored, whatever ties there are', async () => {
    const { mine, read } = await prepared(2)
    const at = (n: number) => DAY + Math.floor(n / 7)
    for (const place of [0, 1])
      await mine.store(
        Array.from({ length: 40 }, (_, n) => post(`${place} ${n}`, { publishedAt: at(n) })),
        DAY + 1000,
        place,
      )
    const before = (await mine.posts()).toSorted((a, b) => b.sort_at - a.sort_at || b.id - a.id).map(row => row.id)
    const seen: number[] = []
    for (let after: PostPlace | null = null, pages = 0; ; pages++) {
      const page = await read({ after, limit: 3 })
      seen.push(...page.posts.map(({ id }) => id))
      // One that is newest, and one among the ties of the place that was reached.
      const ties = { publishedAt: page.next?.sortAt ?? null }
      if (pages < 5) await mine.store([post(`new ${pages}`), post(`tied ${pages}`, ties)], DAY + 2000 + pages)
      after = page.next
      if (after === null) break
    }
    const known = new Set(before)
    expect(seen.filter(id => known.has(id))).toEqual(before)
    expect(new Set(seen).size).toBe(seen.length)
  })

  it('of one feed, from a moment on and before another', async () => {
    const { mine, read } = await prepared(2)
    for (const place of [0, 1])
      await mine.store(
        Array.from({ length: 6 }, (_, n) => post(`${place} ${n}`, { publishedAt: DAY + n })),
        DAY + 1000,
        place,
      )
    const titles = async (wish: Partial<PostWish>) => (await read(wish)).posts.map(({ title }) => title)
    const { id } = await mine.feed(1)
    expect(await titles({ feed: id, since: DAY + 2, until: DAY + 5 })).toEqual(['1 4', '1 3', '1 2'])
    expect(await titles({ since: DAY + 5 })).toHaveLength(2)
    expect(await titles({ until: DAY })).toEqual([])
    expect(await titles({ feed: 999 })).toEqual([])
  })

  it('with their feeds, and with contents only when these are wished for', async () => {
    const { mine, read } = await prepared()
    const enclosures = [{ url: 'https://example.org/a.mp3', type: 'audio/mpeg', bytes: 12 }]
    const own = {
      author: 'Ann',
      publishedAt: DAY,
      updatedAt: DAY + 1,
      image: 'https://example.org/i.png',
      categories: ['a', 'b'],
    }
    await mine.store([post('a', { ...own, enclosures, content: '<p>ä</p>' })], DAY + 2)
    const { id, url } = await mine.feed()
    const expected = { id: 1, feed: { id, url, title: 'Example' }, title: 'a', url: 'https://example.org/a', ...own, enclosures }
    expect(await read()).toEqual({ posts: [{ ...expected, content: null }], next: null })
    expect((await read({ content: true })).posts).toEqual([{ ...expected, content: '<p>ä</p>' }])
    expect(await mine.on(tables => readPost(tables, 1))).toEqual({ ...expected, content: '<p>ä</p>' })
    expect(await mine.on(tables => readPost(tables, 2))).toBe(null)
    expect((await planOf(mine, {})).statement).not.toContain('content')
    expect((await planOf(mine, { content: true })).statement).toContain('content')
  })

  it('by words of their titles in any case, without wildcards', async () => {
    const { mine, read } = await prepared()
    const titles = [
      'Über Öl',
      'über öl',
      'Uber Ol',
      'ПРИВЕТ, мир',
      'Ελλάδα',
      '100% sure',
      '100 sure',
      'a_b',
      'axb',
      'what? [sic] *',
    ]
    await mine.store(
      titles.map(title => post(title, { publishedAt: DAY })),
      DAY + 1,
    )
    const found = async (text: string) => (await read({ text })).posts.map(({ title }) => title).toSorted()
    expect(await found('ÜBER')).toEqual(['Über Öl', 'über öl'])
    expect(await found('r öL')).toEqual(['Über Öl', 'über öl'])
    expect(await found('привет, М')).toEqual(['ПРИВЕТ, мир'])
    expect(await found('ελλάδ')).toEqual(['Ελλάδα'])
    expect(await found('0%')).toEqual(['100% sure'])
    expect(await found('A_B')).toEqual(['a_b'])
    expect(await found('? [SIC] *')).toEqual(['what? [sic] *'])
    for (const nothing of ['%', '_', '*', '?', '[a-z]', '[', ']', '!', "'", '\\', '100_sure', 'x'.repeat(100)])
      expect(await found(nothing)).toEqual(titles.filter(title => title.includes(nothing)).toSorted())
  })

  it('from an index that has them in order, however deep the page', async () => {
    const { mine } = await prepared(3)
    for (const place of [0, 1, 2])
      await mine.store(
        Array.from({ length: 700 }, (_, n) => post(`${place} ${n}`, { publishedAt: DAY + (n < 300 ? 0 : n) })),
        DAY + 1000,
        place,
      )
    if (kind === 'mysql') await sendPlainly(env, mine.tenant.placement.database, 'analyze table posts, feeds')
    const after = { sortAt: DAY, id: 150 }
    for (const wish of [{}, { after }, { since: DAY + 400 }, { text: 'nowhere' }]) await expectOrdered(wish, 'posts_order')
    const { id: feed } = await mine.feed(1)
    for (const wish of [{ feed }, { feed, after }, { feed, since: DAY + 400 }]) await expectOrdered(wish, 'posts_feed')

    async function expectOrdered(wish: Partial<PostWish>, index: string): Promise<void> {
      const { plan } = await planOf(mine, wish)
      expect(plan).toContain(index)
      expect(plan).not.toMatch(/filesort|temporary|TEMP B-TREE|SCAN/)
    }
  })
})
