import { describe, expect, it } from 'vitest'
import { findChurn, type StoredPost } from '../../../src/feeds/churn.js'
import type { DocumentPost } from '../../../src/feeds/document.js'
import { deletePosts } from '../../../src/feeds/tombstones.js'
import { describeDatabases, openInstallation, tenantIn } from '../../tenants/installation.js'
import { DAY_MS, post, TenantFeeds } from './tenant-feeds.js'

const START = 1_700_000_000_000

/** Ten entries, the newest first, whose guids carry the word. */
function entries(word: string, own: (n: number) => Partial<DocumentPost> = () => ({}), count = 10): DocumentPost[] {
  return Array.from({ length: count }, (_, n) =>
    post(`${word}-${n}`, {
      title: `Title ${n}`,
      url: `https://example.org/${n}`,
      publishedAt: START - n * DAY_MS,
      ...own(n),
    }),
  )
}

describeDatabases('a feed whose guids change', env => {
  let turn = 0
  const start = async () => {
    const here = await openInstallation(env)
    return TenantFeeds.of(here.catalog, await tenantIn(here, `t${++turn}`, 'shared'))
  }
  const alertOf = async (feeds: TenantFeeds) => JSON.parse((await feeds.feed()).alert ?? 'null')

  it('does not grow, says so, and keeps its posts as they are under the new guids', async () => {
    const feeds = await start()
    await feeds.store(entries('a'), START)
    const before = await feeds.posts()
    for (let fetch = 1; fetch <= 3; fetch++) {
      expect(await feeds.store(entries(`b${fetch}`), START + fetch)).toEqual({ new: 0, updated: 0, held: 10 })
    }
    const same = ({ guid: _guid, guid_hash: _hash, ...rest }: (typeof before)[number]) => rest
    expect((await feeds.posts()).map(same)).toEqual(before.map(same))
    expect(await feeds.guids()).toEqual(
      entries('b3')
        .map(entry => entry.guid)
        .toReversed(),
    )
    expect(await alertOf(feeds)).toEqual({
      code: 'GUID_CHURN',
      message: '10 of 10 entries are known posts under new ids; they were not stored again',
      at: START + 3,
    })
  })

  it('takes what is new besides, and is calm again with the next document', async () => {
    const feeds = await start()
    await feeds.store(entries('a'), START)
    const newest = post('new', { url: 'https://example.org/new', publishedAt: START + 1 })
    expect(await feeds.store([newest, ...entries('b').slice(0, 9)], START + 2)).toEqual({ new: 1, updated: 0, held: 9 })
    const changed = { ...(entries('b')[0] as DocumentPost), content: '<p>edited</p>', contentHash: 'c'.repeat(22) }
    expect(await feeds.store([newest, changed, ...entries('b').slice(1, 6)], START + 3)).toEqual({ new: 0, updated: 1, held: 0 })
    expect([await alertOf(feeds), (await feeds.posts()).length]).toEqual([null, 11])
  })

  it('takes all of a document whose entries are new', async () => {
    const feeds = await start()
    await feeds.store(entries('a'), START)
    const all = entries('b', n => ({ title: `Other ${n}`, url: `https://example.org/other/${n}` }))
    expect(await feeds.store(all, START + 1)).toEqual({ new: 10, updated: 0, held: 0 })
    expect(await alertOf(feeds)).toBeNull()
  })

  it.each<[string, number, (n: number) => Partial<DocumentPost>, (n: number) => Partial<DocumentPost>]>([
    ['the link and the content, all dated now', 0, () => ({}), () => ({ publishedAt: START + 5 })],
    ['the link and the date', 10, () => ({}), n => ({ title: `Edited ${n}` })],
    ['the title and the date', 10, () => ({}), n => ({ url: `https://example.org/?session=${n}` })],
    ['the title, without link or date', 0, () => ({ url: null, publishedAt: null }), () => ({ url: null, publishedAt: null })],
    ['the link, without dates', 10, () => ({ publishedAt: null }), n => ({ title: `Edited ${n}`, publishedAt: null })],
  ])('knows its posts by %s', async (_what, updated, first, then) => {
    const feeds = await start()
    await feeds.store(entries('a', first), START)
    expect(await feeds.store(entries('b', then), START + 10)).toEqual({ new: 0, updated, held: 10 })
    expect((await feeds.posts()).map(row => row.title)).toEqual(
      entries('b', then)
        .map(entry => entry.title)
        .toReversed(),
    )
  })

  it('takes over what the publisher has corrected, however often the guids change', async () => {
    const feeds = await start()
    await feeds.store(entries('a'), START)
    const [before] = (await feeds.posts()).toReversed()
    for (let fetch = 1; fetch <= 3; fetch++) {
      const corrected = entries(`b${fetch}`, n => (n === 0 ? { content: `<p>correction ${fetch}</p>` } : {}))
      expect(await feeds.store(corrected, START + fetch)).toEqual({ new: 0, updated: 1, held: 10 })
    }
    const corrected = { ...entries('b3')[0], content: '<p>correction 3</p>' }
    const [after] = (await feeds.posts()).toReversed()
    expect(after).toMatchObject({ guid: corrected.guid, content: corrected.content, changed_at: START + 3 })
    expect([after?.id, after?.feed_id, after?.created_at]).toEqual([before?.id, before?.feed_id, before?.created_at])
    expect(await feeds.posts()).toHaveLength(10)
  })

  it.each([5, 4, 1])('is not suspected for what appears every week under %i links and titles', async count => {
    const feeds = await start()
    const menu = (week: number) =>
      entries(
        `w${week}`,
        n => ({ publishedAt: START + (week * 7 - n) * DAY_MS, content: `<p>week ${week} dish ${n}</p>` }),
        count,
      )
    for (let week = 0; week < 3; week++)
      expect(await feeds.store(menu(week), START + week * 7 * DAY_MS)).toEqual({ new: count, updated: 0, held: 0 })
    expect((await feeds.posts()).map(row => row.content)).toContain('<p>week 2 dish 0</p>')
  })

  it.each<[string, (n: number, word: string) => Partial<DocumentPost>]>([
    [
      'one link for all, and new titles',
      (n, word) => ({ url: 'https://example.org/', title: `${word} ${n}`, publishedAt: null }),
    ],
    [
      'one title for all, and no dates',
      (n, word) => ({ url: `https://example.org/${word}/${n}`, title: 'Note', publishedAt: null }),
    ],
    [
      'the links of yesterday, but other titles and dates',
      (n, word) => ({ title: `${word} ${n}`, publishedAt: word === 'a' ? 1 : START + n }),
    ],
  ])('is not suspected for %s', async (_what, own) => {
    const feeds = await start()
    await feeds.store(
      entries('a', n => own(n, 'a')),
      START,
    )
    const anew = entries('b', n => own(n, 'b'))
    expect(await feeds.store(anew, START + DAY_MS)).toEqual({ new: 10, updated: 0, held: 0 })
  })

  it('is not suspected for a document that is mostly known', async () => {
    const feeds = await start()
    await feeds.store(entries('a'), START)
    const mixed = [...entries('a').slice(0, 3), ...entries('c').slice(3)]
    expect(await feeds.store(mixed, START + 2)).toMatchObject({ new: 7, held: 0 })
  })

  it('of few entries does not grow when all of them are stored beyond doubt, and takes what comes then', async () => {
    const feeds = await start()
    await feeds.store(
      entries('a', () => ({}), 4),
      START,
    )
    const corrected = entries('b', n => (n === 0 ? { content: '<p>corrected</p>' } : { publishedAt: START + 1 }), 4)
    expect(await feeds.store(corrected, START + 1)).toEqual({ new: 0, updated: 1, held: 4 })
    const newest = post('new', { url: 'https://example.org/new', publishedAt: START + 2 })
    expect(await feeds.store([newest, ...entries('c', () => ({}), 3)], START + 2)).toEqual({ new: 1, updated: 1, held: 3 })
    expect(await feeds.posts()).toHaveLength(5)
  })

  it.each<[string, (n: number) => Partial<DocumentPost>]>([
    ['one is new', n => (n === 0 ? { url: 'https://example.org/new', title: 'New' } : {})],
    ['one has another date and other content', n => (n === 0 ? { publishedAt: START + 1, content: '<p>other</p>' } : {})],
    ['one has another link', n => (n === 0 ? { url: 'https://example.org/new' } : {})],
  ])('of few entries is not suspected when %s', async (_what, own) => {
    const feeds = await start()
    await feeds.store(
      entries('a', () => ({}), 4),
      START,
    )
    expect(await feeds.store(entries('b', own, 4), START + 1)).toEqual({ new: 4, updated: 0, held: 0 })
  })

  it('leaves posts alone whose own guids are listed still', async () => {
    const feeds = await start()
    const dated = (guid: string, name: string, day: number) =>
      post(guid, { title: name, url: `https://example.org/${name}`, publishedAt: START - day * DAY_MS })
    await feeds.store([dated('a', 'A', 2), dated('b', 'B', 3), dated('c', 'C', 3), dated('d', 'D', 3)], START)
    const [before] = (await feeds.posts()).filter(row => row.guid === 'a')
    const reposts = [dated('a2', 'A', 0), dated('b2', 'B', 0), dated('c2', 'C', 0), dated('e', 'E', 0), dated('a', 'A', 2)]
    expect(await feeds.store(reposts, START + 1)).toEqual({ new: 2, updated: 0, held: 2 })
    expect((await feeds.posts()).find(row => row.guid === 'a')).toEqual(before)
    expect(await feeds.store([dated('n', 'N', 0), ...reposts], START + 2)).toEqual({ new: 1, updated: 0, held: 0 })
    expect((await feeds.guids()).toSorted()).toEqual(['a', 'a2', 'b2', 'c2', 'd', 'e', 'n'])
  })

  it.each<[string, (n: number) => Partial<DocumentPost>, number[], number]>([
    ['the third of ten', () => ({}), [2], 10],
    ['one of four', () => ({}), [1], 4],
    [
      'the older twenty of thirty, without dates',
      () => ({ publishedAt: null }),
      Array.from({ length: 20 }, (_, n) => 10 + n),
      30,
    ],
    ['all of ten', () => ({}), Array.from({ length: 10 }, (_, n) => n), 10],
  ])('does not get back what was deleted: %s', async (_what, own, deleted, count) => {
    const feeds = await start()
    await feeds.store(entries('a', own, count), START)
    const ids = await feeds.ids(...deleted.map(n => `a-${n}`))
    await feeds.on(tables => deletePosts(tables, ids, START + 1))
    const tombstones = (await feeds.tombstones()).length
    for (let fetch = 1; fetch <= 3; fetch++)
      expect(await feeds.store(entries(`b${fetch}`, own, count), START + 1 + fetch)).toMatchObject({ new: 0, updated: 0 })
    // The same guids once more, which is no churn: those of the deleted ones are new still.
    const newest = post('new', { url: 'https://example.org/new', publishedAt: START + 9 })
    expect(await feeds.store([newest, ...entries('b3', own, count)], START + 9)).toMatchObject({ new: 1, updated: 0 })
    expect([(await feeds.posts()).length, (await feeds.tombstones()).length]).toEqual([count - deleted.length + 1, tombstones])
  })

  it('gets next week what is deleted of this week, and keeps what came late beside a deleted post', async () => {
    const feeds = await start()
    await feeds.store(entries('a'), START)
    const ids = await feeds.ids('a-2')
    await feeds.on(tables => deletePosts(tables, ids, START + 1))
    const late = post('late', { url: 'https://example.org/late', publishedAt: START - 2 * DAY_MS })
    expect(await feeds.store([...entries('b').slice(0, 9), late], START + 2)).toEqual({ new: 1, updated: 0, held: 9 })
    const nextWeek = post('next', { title: 'Title 2', url: 'https://example.org/2', publishedAt: START + 5 * DAY_MS })
    expect(await feeds.store([nextWeek, ...entries('b').slice(0, 9)], START + 5 * DAY_MS)).toMatchObject({ new: 1 })
  })

  it('takes the archive that it never had', async () => {
    const feeds = await start()
    await feeds.store(entries('a').slice(0, 8), START)
    expect(await feeds.store(entries('b'), START + 1)).toEqual({ new: 2, updated: 0, held: 8 })
  })
})

describe('stored posts among entries', () => {
  const stored = (entry: DocumentPost, id: number, own: Partial<StoredPost> = {}): StoredPost => ({
    id,
    url: entry.url,
    title: entry.title,
    content_hash: entry.contentHash,
    published_at: entry.publishedAt,
    sort_at: entry.publishedAt ?? id,
    created_at: START,
    ...own,
  })
  const first = { entries: 10, buried: new Set<DocumentPost>(), again: false }

  it('are told apart by their dates when a thousand of them have one title', () => {
    const fresh = entries('b', () => ({ title: 'Note', url: null }), 1000)
    const posts = fresh.map((entry, id) => stored(entry, id))
    const known = findChurn(fresh, { posts: posts.toReversed(), all: true }, { ...first, entries: 1000 })?.known
    expect([...(known ?? [])].map(([post, entry]) => post.published_at === entry.publishedAt)).toEqual(Array(1000).fill(true))
  })

  it('are taken to be beyond all that was compared when they are older', () => {
    const fresh = entries('b')
    const posts = fresh.slice(0, 3).map((entry, id) => stored(entry, id))
    expect(findChurn(fresh, { posts, all: false }, first)?.others.size).toBe(7)
    expect(findChurn(fresh, { posts, all: true }, first)).toBeNull()
  })

  it('are enough by half, deleted ones included, and by one where guids changed before', () => {
    const fresh = entries('b')
    const compared = { posts: fresh.slice(0, 4).map((entry, id) => stored(entry, id)), all: true }
    expect(findChurn(fresh, compared, first)).toBeNull()
    expect(findChurn(fresh, compared, { ...first, buried: new Set(fresh.slice(0, 1)) })).toBeNull()
    expect(findChurn(fresh, compared, { ...first, buried: new Set(fresh.slice(4, 5)) })?.others.size).toBe(1)
    expect(findChurn(fresh, compared, { ...first, again: true })?.known.size).toBe(4)
  })
})
