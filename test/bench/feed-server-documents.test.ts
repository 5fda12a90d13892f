import { parseFeed } from 'feedsmith'
import { describe, expect, test } from 'vitest'
import { type DocumentFormat, type FeedOrder, MIXED_FORMATS, renderFeed } from '../../src/bench/feed-server/documents.js'

const ORDER: FeedOrder = {
  seed: 7,
  source: 3,
  edition: 0,
  items: 30,
  itemBytes: 1500,
  format: 'rss',
  origin: 'http://127.0.0.1:80',
}
const FORMATS: DocumentFormat[] = ['rss', 'atom', 'rdf', 'json']

function textOf(order: Partial<FeedOrder>): string {
  return renderFeed({ ...ORDER, ...order }).body.toString()
}

/** The posts of a document as written, by guid, in document order. */
function postsOf(text: string): Map<string, string> {
  const items = text.match(/<item>.*?<\/item>/gs) ?? []
  return new Map(items.map(item => [/<guid[^>]*>(.*?)<\/guid>/.exec(item)?.[1] ?? '', item]))
}

function countOf(text: string): number {
  const { feed } = parseFeed(text)
  const posts = 'entries' in feed ? feed.entries : 'items' in feed ? feed.items : []
  return posts?.length ?? 0
}

describe('a document', () => {
  test('has the same bytes for the same order and others for another seed or source', () => {
    for (const format of FORMATS) {
      expect(textOf({ format })).toBe(textOf({ format }))
      expect(textOf({ format })).not.toBe(textOf({ format, seed: 8 }))
      expect(textOf({ format })).not.toBe(textOf({ format, source: 4 }))
    }
  })

  test('differs by origin only in the link to itself', () => {
    const elsewhere = textOf({ origin: 'http://127.0.1.9:1' })
    expect(elsewhere).not.toBe(textOf({}))
    expect(elsewhere.replace('http://127.0.1.9:1/feeds/3.xml', 'http://127.0.0.1:80/feeds/3.xml')).toBe(textOf({}))
  })

  test.each(FORMATS)('in %s is read as that format with every post', format => {
    for (const items of [0, 1, 30]) {
      const text = textOf({ format, items })
      expect(parseFeed(text).format).toBe(format)
      expect(countOf(text)).toBe(items)
    }
  })

  test.each(FORMATS)('in %s carries accents, entities and HTML', format => {
    const text = textOf({ format })
    expect(text).toMatch(/[éüøã]/)
    expect(text).toContain('#8217;')
    expect(text).toContain('href=')
    expect(text).not.toContain('undefined')
  })

  test('says the same posts in every format', () => {
    const titles = FORMATS.map(format => {
      const parsed = parseFeed(textOf({ format }))
      if (parsed.format === 'atom') return parsed.feed.entries?.map(entry => entry.title?.value)
      return parsed.feed.items?.map(item => item.title)
    })
    const plain = titles.map(list => list?.map(title => title?.replaceAll('&amp;', '&')))
    expect(plain[0]).toHaveLength(30)
    for (const list of plain) expect(list).toEqual(plain[3])
  })

  test('has content of the length asked for, dense with tags', () => {
    const texts = Array.from({ length: 20 }, (_, source) => textOf({ source }))
    const contents = texts.flatMap(text =>
      Array.from(text.matchAll(/<content:encoded><!\[CDATA\[(.*?)\]\]>/gs), match => match[1] ?? ''),
    )
    const bytes = contents.reduce((sum, html) => sum + Buffer.byteLength(html), 0)
    const tags = contents.reduce((sum, html) => sum + (html.match(/<[a-z]/g) ?? []).length, 0)
    expect(contents).toHaveLength(600)
    expect(bytes / 600).toBeGreaterThan(1350)
    expect(bytes / 600).toBeLessThan(1650)
    expect((tags / bytes) * 1500).toBeGreaterThan(15)
    expect((tags / bytes) * 1500).toBeLessThan(22)
  })

  test('is RSS for most sources and in turn any of the four formats', () => {
    const shares = FORMATS.map(format => MIXED_FORMATS.filter(each => each === format).length / MIXED_FORMATS.length)
    expect(shares).toEqual([0.6, 0.25, 0.05, 0.1])
  })
})

describe('a new edition', () => {
  test.each([
    0, 1, 28, 29, 30, 31, 400,
  ])('after edition %i has one new post on top, one changed, and leaves the others alone', edition => {
    for (const source of [1, 2, 3, 4, 5]) {
      const before = postsOf(textOf({ source, edition }))
      const after = postsOf(textOf({ source, edition: edition + 1 }))
      const [newest, ...rest] = [...after.keys()]
      expect(after.size).toBe(30)
      expect(before.has(newest ?? '')).toBe(false)
      expect(rest).toEqual([...before.keys()].slice(0, 29))
      const changed = rest.filter(guid => after.get(guid) !== before.get(guid))
      expect(changed).toHaveLength(1)
      expect(after.get(changed[0] ?? '')).toContain(`Update ${edition + 1}:`)
    }
  })

  test('of a feed of one post replaces it', () => {
    const [before, after] = [postsOf(textOf({ items: 1 })), postsOf(textOf({ items: 1, edition: 1 }))]
    expect(after.size).toBe(1)
    expect([...after.keys()]).not.toEqual([...before.keys()])
  })
})
