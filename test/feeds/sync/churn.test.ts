import { describe, expect, it } from 'vitest'
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

  it.each<[string, (n: number) => Partial<DocumentPost>, (n: number) => Partial<DocumentPost>]>([
    ['the link and the title, all dated now', () => ({}), () => ({ publishedAt: START + 5 })],
    ['the link and the date', () => ({}), n => ({ title: `Edited ${n}` })],
    ['the title and the date', () => ({}), n => ({ url: `https://example.org/?session=${n}` })],
    ['the title, without link or date', () => ({ url: null, publishedAt: null }), () => ({ url: null, publishedAt: null })],
    ['the link, without dates', () => ({ publishedAt: null }), n => ({ title: `Edited ${n}`, publishedAt: null })],
  ])('knows its posts by %s', async (_what, first, then) => {
    const feeds = await start()
    await feeds.store(entries('a', first), START)
    expect(await feeds.store(entries('b', then), START + 10)).toEqual({ new: 0, updated: 0, held: 10 })
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

  it('is not suspected for a document that is small or mostly known', async () => {
    const feeds = await start()
    await feeds.store(entries('a'), START)
    expect(await feeds.store(entries('b').slice(0, 4), START + 1)).toMatchObject({ new: 4, held: 0 })
    const mixed = [...entries('a').slice(0, 3), ...entries('c').slice(3)]
    expect(await feeds.store(mixed, START + 2)).toMatchObject({ new: 7, held: 0 })
  })

  it('does not get back what was deleted, or what is beyond the posts that are compared', async () => {
    const feeds = await start()
    await feeds.store(entries('a'), START)
    const old = await feeds.ids(
      ...entries('a')
        .slice(3)
        .map(entry => entry.guid),
    )
    await feeds.on(tables => deletePosts(tables, old, START + 1))
    expect(await feeds.store(entries('b'), START + 2)).toEqual({ new: 0, updated: 0, held: 10 })
    expect((await feeds.posts()).length).toBe(3)
  })

  it('takes the archive that it never had', async () => {
    const feeds = await start()
    await feeds.store(entries('a').slice(0, 8), START)
    expect(await feeds.store(entries('b'), START + 1)).toEqual({ new: 2, updated: 0, held: 8 })
  })
})

describe('of a thousand entries', () => {
  it('are told apart by their dates when they all have one title', async () => {
    const { findChurn } = await import('../../../src/feeds/churn.js')
    const fresh = entries('b', () => ({ title: 'Note', url: null }), 1000)
    const posts = fresh.map((entry, id) => ({ id, url: null, title: 'Note', published_at: entry.publishedAt, sort_at: id }))
    expect(findChurn(fresh, { posts: posts.toReversed(), all: true }, false)?.known.size).toBe(1000)
  })
})
