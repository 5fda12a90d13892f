import { describe, expect, it } from 'vitest'
import { identify } from '../../../src/feeds/parse/identity.js'
import { parseDocument } from '../../../src/feeds/parse/parse.js'
import type { PublishedEntry } from '../../../src/feeds/parse/published.js'
import { atom, item, NOW, parse, rss } from './documents.js'

const entry = (inner: string) => `<item>${inner}</item>`
const guidsOf = async (...items: string[]) => (await parse(rss(...items))).posts.map(post => post.guid)

it('is the guid, else the link, else a hash of title and content', async () => {
  const [guid, link, hash] = await guidsOf(
    entry('<guid isPermaLink="false"> g1 </guid><link>https://a.example/</link>'),
    entry('<link>https://a.example/2</link>'),
    entry('<title>t</title><description>d</description>'),
  )
  expect([guid, link]).toEqual(['g1', 'https://a.example/2'])
  expect(hash).toMatch(/^hash:[\w-]{22}$/)
  expect(await guidsOf(entry('<title>t</title><description>d</description><pubDate>1 Jan 2026</pubDate>'))).toEqual([hash])
})

it('tells apart a repeated guid by its link, whichever comes first', async () => {
  const a = entry('<guid>same</guid><link>https://a.example/a</link>')
  const b = entry('<guid>same</guid><link>https://a.example/b</link>')
  const guids = ['same https://a.example/a', 'same https://a.example/b']
  expect(await guidsOf(a, b)).toEqual(guids)
  expect(await guidsOf(b, a)).toEqual(guids.toReversed())
})

describe('of a post that is listed more than once', () => {
  const listed = (title: string, link = '1') =>
    entry(`<guid>g</guid><link>https://a.example/${link}</link><title>${title}</title>`)

  it('is its guid, listed once or twice, before and after an edit', async () => {
    for (const items of [[listed('a')], [listed('a'), listed('a')], [listed('b'), listed('b')], [listed('b'), listed('a')]]) {
      expect(await guidsOf(...items)).toEqual(['g'])
    }
    expect((await parse(rss(listed('new'), listed('old')))).posts).toMatchObject([{ title: 'new' }])
  })

  it('is told apart by its links alone, however often each is listed', async () => {
    const guids = ['g https://a.example/1', 'g https://a.example/2']
    expect(await guidsOf(listed('a'), listed('b', '2'))).toEqual(guids)
    expect(await guidsOf(listed('a'), listed('a'), listed('b', '2'), listed('edited'))).toEqual(guids)
  })

  it('in Atom is the version that was updated last, wherever it stands', async () => {
    const version = (title: string, day: number) =>
      `<entry><id>urn:1</id><link href="https://a.example/1"/><title>${title}</title><updated>2026-01-0${day}T00:00:00Z</updated></entry>`
    for (const entries of [
      [version('new', 2), version('old', 1)],
      [version('old', 1), version('new', 2), version('older', 1)],
    ]) {
      expect((await parse(atom(...entries))).posts).toMatchObject([{ guid: 'urn:1', title: 'new' }])
    }
  })

  it('and has no guid is its link and title, not its content', async () => {
    const change = (title: string, text: string) =>
      entry(`<link>https://a.example/changes</link><title>${title}</title><description>${text}</description>`)
    const guids = await guidsOf(change('1.0', 'a'), change('1.1', 'b'))
    expect(new Set(guids).size).toBe(2)
    expect(await guidsOf(change('1.0', 'edited'), change('1.1', 'b'), change('1.1', 'b'))).toEqual(guids)
    expect(await guidsOf(change('1.0', 'a'), change('1.0', 'a'))).toEqual(['https://a.example/changes'])
    expect(new Set(await guidsOf(change('1.0', 'a'), change('1.0', 'b'))).size).toBe(2)
  })
})

it('of a guid that is too long is its start and a hash', async () => {
  const guids = await guidsOf(entry(`<guid>${'x'.repeat(3_000)}a</guid>`), entry(`<guid>${'x'.repeat(3_000)}b</guid>`))
  expect(new Set(guids).size).toBe(2)
  for (const guid of guids) expect(guid.length).toBeLessThanOrEqual(2_000)
})

it('has hashes of 22 characters; that of the content changes with the post alone', async () => {
  const hashes = async (...items: string[]) => (await parse(rss(...items))).posts.map(post => [post.guidHash, post.contentHash])
  const [before] = await hashes(item(1, '<description>a</description>'), item(2))
  const [moved] = (await hashes(item(2), item(1, '<description>a</description>'))).slice(1)
  const [changed] = await hashes(item(1, '<description>b</description>'))
  expect(before?.every(hash => /^[\w-]{22}$/.test(hash))).toBe(true)
  expect(moved).toEqual(before)
  expect(changed?.[0]).toBe(before?.[0])
  expect(changed?.[1]).not.toBe(before?.[1])
})

it('of an entry without words is made of what it encloses', async () => {
  const enclosure = (name: string) => entry(`<enclosure url="https://a.example/${name}.mp3" type="audio/mpeg" length="1"/>`)
  const [both, alone] = [await guidsOf(enclosure('a'), enclosure('b')), await guidsOf(enclosure('b'))]
  expect(new Set(both).size).toBe(2)
  expect(alone).toEqual(both.slice(1))
})

it('tells apart what differs by its date alone, however the date is written', async () => {
  const dated = (date: string) => entry(`<title>all is well</title><pubDate>${date}</pubDate>`)
  const guids = await guidsOf(dated('Sat, 31 Jan 2026 10:20:30 GMT'), dated('Sun, 01 Feb 2026 10:20:30 GMT'))
  expect(new Set(guids).size).toBe(2)
  expect(await guidsOf(dated('2026-02-01T11:20:30+01:00'), dated('2026-01-31T10:20:30Z'))).toEqual(guids.toReversed())
  expect(await guidsOf(dated('2026-02-01'), dated('1 Feb 2026 00:00 GMT'))).toHaveLength(1)
})

describe('the hash of the content', () => {
  it('stays wherever the document comes from, with a base that is relative, and changes with the base', async () => {
    const from = async (url: string, base: string) => {
      const body = new TextEncoder().encode(rss(item(1)).replace('version="2.0"', `version="2.0" xml:base="${base}"`))
      return (await parseDocument({ body, contentType: null, url, now: NOW })).posts[0]?.contentHash
    }
    expect(await from('https://a.example/f', '/b/')).toBe(await from('http://www.a.example/f', '/b/'))
    expect(await from('https://a.example/f', '/b/')).not.toBe(await from('https://a.example/f', '/c/'))
  })

  const hashOf = async (inner: string) => (await parse(rss(item(1, inner)))).posts[0]?.contentHash
  const dated = (date: string) => hashOf(`<pubDate>${date}</pubDate><description>d</description>`)

  it('stays when the dates are reformatted, or stamped anew on every fetch', async () => {
    const hash = await dated('Sat, 31 Jan 2026 10:20:30 GMT')
    expect(await dated('2026-01-31T10:20:30Z')).toBe(hash)
    expect(await dated('Sun, 14 Jun 2026 09:00:00 +0200')).toBe(hash)
    const updated = async (date: string) =>
      (await parse(atom(`<entry><id>1</id><title>t</title><updated>${date}</updated></entry>`))).posts[0]?.contentHash
    expect(await updated('2026-02-01T00:00:00Z')).toBe(await updated('2026-01-01T00:00:00Z'))
  })

  it('changes when a date appears, and with every field that readers see', async () => {
    const variants = [
      '',
      '<pubDate>1 Jan 2026</pubDate>',
      '<description>d</description>',
      '<description>e</description>',
      '<author>a@a.example (A)</author>',
      '<category>c</category>',
      '<category>c</category><category>d</category>',
      '<enclosure url="https://a.example/a.mp3" type="audio/mpeg" length="1"/>',
      '<enclosure url="https://a.example/a.mp3" type="audio/mpeg" length="2"/>',
    ]
    const hashes = await Promise.all(variants.map(hashOf))
    expect(new Set(hashes).size).toBe(variants.length)
  })
})

it('of an entry is the same in every order and company of the document', async () => {
  const entries = [item(1), item(2), entry('<title>no link</title>'), entry('<link>/relative</link><title>r</title>')]
  const ids = async (list: readonly string[]) => (await guidsOf(...list)).toSorted()
  expect(await ids(entries.toReversed())).toEqual(await ids(entries))
  for (const [index, one] of entries.entries()) expect(await guidsOf(one)).toEqual([(await guidsOf(...entries))[index]])
})

it('does not depend on which reader named the fields, and in which order', () => {
  const one: PublishedEntry = {
    guid: 'g',
    link: null,
    title: { text: 't', kind: 'html' },
    author: 'a',
    published: [],
    updated: [],
    content: null,
    categories: [],
    image: null,
    enclosures: [{ url: 'https://a.example/a.mp3', type: null, bytes: 1 }],
    base: null,
    contentBase: null,
  }
  const reversed = Object.fromEntries(Object.entries({ ...one, title: { kind: 'plain', text: 't' } }).toReversed()) as unknown
  expect(identify([reversed as PublishedEntry])).toEqual(identify([one]))
  expect(identify([{ ...one, author: 'b' }])).not.toEqual(identify([one]))
})
