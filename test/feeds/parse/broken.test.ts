import { describe, expect, it } from 'vitest'
import { openingOf } from '../../../src/feeds/parse/opening.js'
import { readTolerantly } from '../../../src/feeds/parse/tolerant.js'
import { childrenOf } from '../../../src/feeds/parse/xml-node.js'
import { atom, item, parse, RDF, rss } from './documents.js'

const guids = async (document: string) => (await parse(document)).posts.map(post => post.guid)
const refusal = (document: string) =>
  parse(document).then(
    () => 'read',
    error => `${error.code} ${error.message}`,
  )

const around = (broken: string) => rss(item(1), item(2), broken, item(4), item(5))

describe('an entry that is broken', () => {
  it.each([
    ['a tag that does not match', item(3, '<description>a</descripton>')],
    ['HTML that is not escaped', item(3, '<description><p>one<br>two<img src=x.png><b>three</p></description>')],
    ['an end tag without a start', item(3, '<description>a</b></i> c</description>')],
    ['a bare < and a bare &', item(3, '<description>1 < 2 & AT&T <3 a<b </description>')],
    ['an unquoted and an empty attribute', item(3, '<enclosure url=https://s.example/a.mp3 length=5 hidden/>')],
    ['a quote that is missing', item(3, '<description><a href="x>y</a></description>')],
    ['a title that is not closed', '<item><title>Post 3<link>https://site.example/3</link><guid>tag:3</guid></item>'],
    ['a description that is not closed', '<item><description>Post <b>3<guid>tag:3</guid></item>'],
    ['no end', '<item><title>Post 3</title><guid>tag:3</guid>'],
    ['no end after a text without one', '<item><guid>tag:3</guid><description>Post <b>3'],
    ['a comment that does not end', item(3, '<description>a <!-- b</description>')],
  ])('by %s is kept, with all the others', async (_, broken) => {
    expect(await guids(around(broken))).toEqual(['tag:1', 'tag:2', 'tag:3', 'tag:4', 'tag:5'])
  })

  it('keeps its words', async () => {
    const { posts } = await parse(around(item(3, '<description>1 < 2 & <b>AT&T</b> &hellip; end</description>')))
    expect(posts[2]?.content).toBe('1 &lt; 2 &amp; <b>AT&amp;T</b> \u2026 end')
  })

  it('is left out when nothing tells which one it is, and the others are kept', async () => {
    const { posts, notices } = await parse(around('<item><title>broken</titel></item>'))
    expect(posts.map(post => post.guid)).toEqual(['tag:1', 'tag:2', 'tag:4', 'tag:5'])
    expect(notices).toEqual([
      {
        code: 'DOCUMENT_BROKEN',
        message: 'the XML breaks at line 11, column 20: </titel> closes nothing; 4 posts were kept, 1 left out',
      },
    ])
  })

  it('does no harm to another, however many there are', async () => {
    const many = Array.from({ length: 50 }, (_, n) => [item(n * 2), `<item><title>x</b><p></titel><link>y</item>`]).flat()
    expect((await parse(rss(...many))).posts.filter(post => post.guid.startsWith('tag:'))).toHaveLength(50)
  })

  it('in Atom and RDF leaves the others', async () => {
    const entry = (n: number, inner = '') => `<entry><id>urn:${n}</id><title>${n}</title>${inner}</entry>`
    const document = atom(entry(1), entry(2, '<content type="xhtml"><div>a<br>b</div></content>'), entry(3))
    expect(await guids(document)).toEqual(['urn:1', 'urn:2', 'urn:3'])
    expect(await guids(RDF.replace('plain', '<p>plain'))).toHaveLength(2)
  })
})

describe('a notice', () => {
  it('names the first break by line and column', async () => {
    const { notices } = await parse(`\n\n${around(item(3, '<description><p>x</description>'))}`)
    expect(notices.map(notice => notice.code)).toEqual(['DOCUMENT_BROKEN'])
    expect(notices[0]?.message).toMatch(/^the XML breaks at line 13, column \d+: .*; 5 posts were kept$/)
  })

  it('is not given for what loses nothing: entities, bare ampersands, control characters', async () => {
    const { posts, notices } = await parse(rss(item(1, '<description>a&nbsp;b & c\u0007 &unknown; \u0000d</description>')))
    expect(posts[0]?.content).toMatch(/^a\u00a0b &amp; c &amp;unknown; d$/)
    expect(notices).toEqual([])
  })
})

describe('a document that is cut off', () => {
  const whole = rss(item(1), item(2), item(3))

  it.each([
    ['in a tag', '<guid>tag:3</gu'],
    ['in a text', '<guid>tag:3'],
    ['between entries', '</item>\n<item><title>Post 3'],
    ['in a name', '<item><title>Post 3</title><li'],
  ])('%s keeps what is whole', async (_, at) => {
    const cut = whole.slice(0, whole.lastIndexOf(at) + at.length)
    const { posts, notices } = await parse(cut)
    expect(posts.map(post => post.guid)).toEqual(['tag:1', 'tag:2'])
    expect(notices.map(notice => notice.code)).toEqual(['DOCUMENT_BROKEN'])
  })

  it('anywhere gives whole posts, or a refusal with its place', async () => {
    const document = rss(item(1, '<description><![CDATA[<p>a]]></description>'), '<!-- x -->', item(2))
    const titles = new Set(['Post 1', 'Post 2'])
    for (let length = 1; length < document.length; length++) {
      const outcome = await parse(document.slice(0, length)).catch(error => error)
      if (outcome instanceof Error)
        expect(`${'code' in outcome ? outcome.code : ''} ${outcome.message}`).toMatch(
          /^FEED_NOT_A_FEED |^FEED_UNREADABLE .*line \d+, column \d+/,
        )
      else for (const post of outcome.posts) expect(titles).toContain(post.title)
    }
  })
})

describe('a refusal', () => {
  it('of JSON names line and column of the first error', async () => {
    expect(await refusal('{\n "items": [\n  {"id": 1,}\n ]\n}')).toMatch(
      /^FEED_UNREADABLE the JSON breaks at line 3, column 12: "}"/,
    )
    expect(await refusal('{"items": [')).toMatch(/line 1, column 12: it ends too early/)
    expect(await refusal('\n\n{"items": [tru]}')).toMatch(/line 3, column 12/)
    expect(await refusal('{"items": ["a\nb"]}')).toMatch(/line 1, column 14/)
    expect(await refusal('{"items": ["\\x"]}')).toMatch(/line 1, column 13/)
    expect(await refusal('{"items": []} {')).toMatch(/line 1, column 15/)
    expect(await refusal('{"items": [1 2]}')).toMatch(/line 1, column 14/)
    expect(await refusal('{items: []}')).toMatch(/line 1, column 2/)
  })

  it('of XML names line and column of the first error', async () => {
    expect(await refusal('<rss>\n<channel>\n</chanel>')).toMatch(
      /^FEED_UNREADABLE the XML breaks at line 3, column 1: <\/chanel> closes nothing/,
    )
  })
})

it('keeps the title of a JSON Feed behind items that are too many', async () => {
  const items = Array.from({ length: 1_200 }, (_, n) => ({ id: n, content_text: 'x'.repeat(1_000) }))
  const document = JSON.stringify({ items, title: 'T' })
  expect(await parse(document)).toMatchObject({ title: 'T', notices: [{ message: expect.stringContaining('1200 posts') }] })
})

describe('a document of ten megabytes', () => {
  const filled = (text: string) => text.repeat(Math.ceil(10_000_000 / text.length))
  const entry = '<item><guid>g</guid><link>https://s.example/</link></item>'

  /** The heap of this process is no measure: what is read is bounded, so what comes of it is. */
  it.each([
    ['entries', `<rss><channel>${filled(entry)}</channel></rss>`, 'POSTS_CUT'],
    ['entries that are not closed', `<rss><channel>${filled('<item><guid>g</guid>')}`, 'POSTS_CUT'],
    ['one text', rss(item(1, `<description>${filled('&lt;b&gt;x')}</description>`)), 'CONTENT_CUT'],
    ['JSON items', `{"items":[{"id":1}${filled(',{}')}],"title":"T"}`, 'POSTS_CUT'],
    ['JSON keys', `{"items":[{"id":1}]${Array.from({ length: 700_000 }, (_, n) => `,"key${n}":0`).join('')}}`, ''],
    ['categories', rss(item(1, filled('<category>x</category>'))), ''],
    ['enclosures', rss(item(1, filled('<enclosure url="https://s.example/x"/>'))), ''],
  ])('made of %s is bounded', async (_, document, code) => {
    const { posts, notices } = await parse(document)
    expect(posts).not.toHaveLength(0)
    expect(JSON.stringify(posts).length).toBeLessThan(1_000_000)
    expect(notices.map(notice => notice.code).join()).toContain(code)
  })

  it('is not held in memory beyond what is read of it', () => {
    const text = `<rss><channel>${filled(entry)}${filled('<category>x</category>')}</channel></rss>`
    const { root, beyond } = readTolerantly(text, { ...openingOf(text), mend: true })
    const [channel] = childrenOf(root, 'channel')
    expect([childrenOf(channel, 'item').length, childrenOf(channel, 'category').length]).toEqual([1_000, 1_000])
    expect(beyond).toBe(Math.ceil(10_000_000 / entry.length) - 1_000)
  })

  it.each([
    ['tags', `<rss><channel>${filled('<a>')}`],
    ['end tags', `<rss><channel><title>${filled('</b>')}`],
    ['tags and then end tags', `<rss><channel><title>${filled('<a>').slice(5_000_000)}${filled('</b>').slice(5_000_000)}`],
    ['beginnings', `<rss><channel>${filled('<')}`],
    ['comments', `<rss><channel>${filled('<!--')}`],
    ['CDATA sections', `<rss><channel>${filled('<![CDATA[')}`],
    ['quotes', `<rss><channel>${filled('<a b="')}`],
    ['brackets', `{"items":[${filled('[')}`],
    ['lists in lists', `{"items":[${'['.repeat(5_000_000)}${']'.repeat(5_000_000)}]}`],
    ['objects in an item', `{"items":[{"x":[{}${filled(',{}')}]}]}`],
  ])('made of %s is refused with its place', async (_, document) => {
    expect(await refusal(document)).toMatch(/^FEED_UNREADABLE .*line 1, column \d+/)
  })
})
