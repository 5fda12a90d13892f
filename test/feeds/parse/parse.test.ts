import { describe, expect, it } from 'vitest'
import type { DocumentPost } from '../../../src/feeds/document.js'
import { atomFeed } from '../../../src/feeds/parse/atom.js'
import { decodeDocument, encodeDocument } from '../../../src/feeds/parse/codec.js'
import { normalise } from '../../../src/feeds/parse/normalise.js'
import { openingOf } from '../../../src/feeds/parse/opening.js'
import { parseDocument } from '../../../src/feeds/parse/parse.js'
import { rssFeed } from '../../../src/feeds/parse/rss.js'
import { readStrictly } from '../../../src/feeds/parse/strict.js'
import { readTolerantly } from '../../../src/feeds/parse/tolerant.js'
import { ATOM, atom, item, JSON_FEED, NOW, parse, RDF, RSS, rss, URL_OF_FEED } from './documents.js'

const failing = (document: string) =>
  parse(document).then(
    () => 'read',
    error => `${error.code} ${error.message}`,
  )

describe('the two readers', () => {
  it.each([
    ['rss', RSS],
    ['atom', ATOM],
    ['rdf', RDF],
  ] as const)('read the same %s document the same way, field by field', async (format, xml) => {
    const fed = (root: unknown) => (format === 'atom' ? atomFeed(root, URL_OF_FEED) : rssFeed(root, format, URL_OF_FEED))
    const strict = normalise(fed(await readStrictly(xml)), { url: URL_OF_FEED, now: NOW })
    const tree = readTolerantly(xml, { ...openingOf(xml), mend: false })
    expect(strict.posts).toHaveLength(2)
    expect(tree).toMatchObject({ broken: null, dropped: 0 })
    expect(normalise(fed(tree.root), { url: URL_OF_FEED, now: NOW })).toEqual(strict)
    expect(await parse(xml)).toEqual(strict)
  })
})

describe('a document', () => {
  it('in RSS becomes posts', async () => {
    expect(await parse(RSS)).toMatchObject({
      format: 'rss',
      title: 'News & more',
      link: 'https://site.example/blog/',
      description: 'All of it',
      language: 'en-gb',
      rhythm: { ttlMinutes: 90 },
      notices: [],
      posts: [
        {
          guid: 'urn:first',
          url: 'https://site.example/blog/first',
          title: 'A first post',
          author: 'Jane Doe',
          publishedAt: Date.UTC(2026, 0, 31, 9, 20, 30),
          updatedAt: null,
          content: '<p>Long <a href="https://site.example/more" rel="noopener noreferrer nofollow">more</a></p>',
          categories: ['one', 'two & three'],
          enclosures: [
            { url: 'https://site.example/a.mp3', type: 'audio/mpeg', bytes: 1234 },
            { url: 'https://site.example/b.mp3', type: 'audio/mpeg', bytes: null },
          ],
        },
        {
          url: 'https://site.example/second',
          title: 'Second & last',
          author: 'Joe',
          publishedAt: Date.UTC(2026, 0, 30, 13),
          content: '<p>escaped &lt;b&gt; text</p>',
        },
      ],
    })
  })

  it('in Atom becomes posts', async () => {
    expect(await parse(ATOM)).toMatchObject({
      format: 'atom',
      title: 'Atom & Co',
      link: 'https://site.example/',
      description: 'Below',
      language: 'de',
      posts: [
        {
          guid: 'urn:1',
          title: '2 < 3 & so on',
          author: 'Ann, Bob',
          publishedAt: Date.UTC(2026, 0, 1, 0, 0, 0, 500),
          updatedAt: Date.UTC(2026, 0, 1, 22),
          content: '<p>Long <b>one</b></p>',
          categories: ['Label one', 't2'],
          enclosures: [{ url: 'https://site.example/1.ogg', type: 'audio/ogg', bytes: 77 }],
        },
        { guid: 'urn:2', publishedAt: Date.UTC(2026, 0, 1), content: '1 &lt; 2<br />next line' },
      ],
    })
  })

  it('in RDF becomes posts', async () => {
    expect(await parse(RDF)).toMatchObject({
      format: 'rdf',
      language: 'fr',
      posts: [
        { guid: 'https://site.example/r1', author: 'Zoe', content: 'plain', categories: ['s1'] },
        { guid: 'https://site.example/r2', content: '<i>rich</i>' },
      ],
    })
  })

  it('in JSON becomes posts', async () => {
    expect(await parse(JSON_FEED)).toMatchObject({
      format: 'json',
      title: 'JSON <b> feed',
      posts: [
        { guid: '1', url: 'https://site.example/1', title: 'a < b', content: '<p>hi</p>', categories: ['x', 'y'] },
        {
          guid: 'two',
          url: null,
          author: 'A, B',
          content: 'plain &lt;b&gt;<br />text',
          enclosures: [{ url: 'https://site.example/x.mp3', type: 'audio/mpeg', bytes: 9 }],
        },
      ],
    })
  })

  it('is read although its version of JSON Feed is unknown', async () => {
    const odd = JSON_FEED.replace('https://jsonfeed.org/version/1.1', '7')
    expect((await parse(odd)).posts).toHaveLength(2)
  })

  it('may have no posts', async () => {
    expect(await parse(rss())).toMatchObject({ title: 'News & more', posts: [] })
    expect(await parse(atom())).toMatchObject({ title: 'Atom & Co', posts: [] })
  })

  it('may use HTML entities and prefixes of its own, which rss-parser rejects', async () => {
    const entities = rss(item(1, '<description>caf&eacute;&nbsp;&amp; more</description>'), item(2))
    expect((await parse(entities)).posts.map(post => post.content)).toEqual(['caf\u00e9\u00a0&amp; more', ''])
    const prefixed = ATOM.replaceAll(/<(\/?)(\w+)/g, '<$1a:$2').replace('xmlns=', 'xmlns:a=')
    expect((await parse(prefixed)).posts.map(post => post.guid)).toEqual(['urn:1', 'urn:2'])
  })

  it('keeps the order of text and tags in XHTML', async () => {
    const div = '<div xmlns="http://www.w3.org/1999/xhtml">one <b>two</b> three <i>four</i> five</div>'
    const document = atom(`<entry><id>x</id><title>t</title><content type="xhtml">${div}</content></entry>`)
    expect((await parse(document)).posts[0]?.content).toContain('one <b>two</b> three <i>four</i> five')
  })

  it('may stand behind white space, warnings and comments', async () => {
    expect((await parse(`\n\n  ${RSS}`)).posts).toHaveLength(2)
    expect(
      (await parse(`Warning: something in line 3\n<!-- made by hand -->${RSS.replace(/^<\?xml.*\?>/, '')}`)).posts,
    ).toHaveLength(2)
  })

  it('without an RSS version is RSS 2', async () => {
    expect((await parse(RSS.replace(' version="2.0"', ''))).posts).toHaveLength(2)
  })
})

describe('a broken document', () => {
  const three = [item(1), item(2), item(3)]

  it('keeps the posts before and after a tag that does not match', async () => {
    const document = rss(...three, '<item><title>broken</titel></item>', item(5))
    expect((await parse(document)).posts.map(post => post.guid)).toEqual(['tag:1', 'tag:2', 'tag:3', 'tag:5'])
  })

  it('keeps the whole posts of what was cut off', async () => {
    const document = rss(...three)
    const cut = document.slice(0, document.indexOf('<guid>tag:3'))
    expect(await parse(cut)).toMatchObject({ title: 'News & more', posts: [{ guid: 'tag:1' }, { guid: 'tag:2' }] })
    const cutAtom = ATOM.slice(0, ATOM.indexOf('urn:2'))
    expect(await parse(cutAtom)).toMatchObject({ format: 'atom', posts: [{ guid: 'urn:1' }] })
    const cutRdf = RDF.slice(0, RDF.indexOf('R2'))
    expect(await parse(cutRdf)).toMatchObject({ format: 'rdf', posts: [{ guid: 'https://site.example/r1' }] })
  })

  it('keeps the posts before the break although they use HTML entities', async () => {
    const document = rss(item(1, '<description>a&nbsp;b</description>'), item(2), '<item><title>x</item>')
    expect((await parse(document)).posts.map(post => post.guid)).toEqual(['tag:1', 'tag:2'])
  })

  it('keeps what stands before rubbish at its end', async () => {
    expect((await parse(`${rss(...three)}<script>x</script>`)).posts).toHaveLength(3)
  })

  it('of which nothing can be kept is named by line and column', async () => {
    expect(await failing(rss('<item><title>a</b></title></item>'))).toMatch(/^FEED_UNREADABLE .*line 9, column \d+: /)
    expect(await failing(`\n\n${rss('<item><title>a</b></title></item>')}`)).toMatch(/line 11, /)
    expect(await failing('<rss version="2.0"><channel><title>x')).toMatch(/^FEED_UNREADABLE .*line 1/)
    expect(await failing('{"title": "x", "items": [')).toMatch(/^FEED_UNREADABLE/)
  })

  it.each([
    ['<!DOCTYPE html><html><body>hi</body></html>', 'FEED_NOT_A_FEED'],
    ['<?xml version="1.0"?><!-- x --><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', 'FEED_NOT_A_FEED'],
    ['<sitemap><url>x</url></sitemap>', 'FEED_NOT_A_FEED'],
    ['{"error": "not found"}', 'FEED_NOT_A_FEED'],
    ['{"items": {}}', 'FEED_NOT_A_FEED'],
    ['{"items": []}', 'FEED_NOT_A_FEED'],
    ['Not found', 'FEED_NOT_A_FEED'],
    ['[1, 2]', 'FEED_NOT_A_FEED'],
    ['', 'FEED_EMPTY'],
    [' \n\t ', 'FEED_EMPTY'],
    ['\uFEFF\n', 'FEED_EMPTY'],
  ])('%j is %s', async (document, code) => {
    expect(await failing(document)).toMatch(new RegExp(`^${code} `))
  })
})

describe('posts', () => {
  it('are bounded in number and in every text', async () => {
    const long = '\u{1F600}'.repeat(300_000)
    const huge = `<author>${long}</author><category>${long}</category><description>${long}</description>`
    const { posts, notices } = await parse(
      rss(`<item><title>x${long}</title><guid>${long}</guid>${huge}</item>`, ...Array.from({ length: 1_200 }, (_, n) => item(n))),
    )
    expect(posts).toHaveLength(1_000)
    expect(notices.map(notice => notice.code)).toEqual(['POSTS_CUT', 'CONTENT_CUT'])
    expect(notices[0]?.message).toContain('1201 posts')
    const [first] = posts
    expect(first?.title.length).toBeLessThanOrEqual(1_000)
    expect(first?.guid.length).toBeLessThanOrEqual(2_000)
    expect(first?.author?.length).toBeLessThanOrEqual(250)
    expect(first?.categories[0]?.length).toBeLessThanOrEqual(100)
    expect(Buffer.byteLength(first?.content ?? '')).toBe(512 * 1024)
    expect(JSON.stringify(first)).not.toMatch(/\\ud[89a-f]/i)
    expect(JSON.stringify(first)).not.toContain('\uFFFD')
  })

  it('hold no lone surrogates and no control characters', async () => {
    const { posts } = await parse(rss(item(1, '<description>a&#0;b&#xD800;c&#x1F600;\u0000\u0007d</description>')))
    expect(posts[0]?.content).toMatch(/^a.*b.*c.*d$/s)
    expect(posts[0]?.content).not.toMatch(/\p{Cc}|\p{Surrogate}/u)
  })

  it('have absolute http(s) URLs or none', async () => {
    const links = ['/a', '//cdn.example/b', '?c', 'javascript:alert(1)', 'mailto:x@y.example', 'http://[bad']
    const { posts } = await parse(rss(...links.map(link => `<item><title>${link}</title><link>${link}</link></item>`)))
    expect(posts.map(post => post.url)).toEqual([
      'https://site.example/a',
      'https://cdn.example/b',
      'https://site.example/blog/?c',
      null,
      null,
      null,
    ])
  })

  it('that did not change are taken over as they were', async () => {
    const document = rss(item(1, '<description>one</description>'), item(2, '<description>two</description>'))
    const before = await parse(document)
    const previous = new Map<string, DocumentPost>(
      before.posts.map(post => [post.guidHash + post.contentHash, { ...post, content: `kept ${post.content}` }]),
    )
    const body = new TextEncoder().encode(document.replace('two', 'changed'))
    const after = await parseDocument({ body, contentType: null, url: URL_OF_FEED, now: NOW, previous })
    expect(after.posts.map(post => post.content)).toEqual(['kept one', 'changed'])
  })

  it('are dated no later than now', async () => {
    const { posts } = await parse(rss(item(1, '<pubDate>Fri, 01 Jan 2049 00:00:00 GMT</pubDate>')))
    expect(posts[0]?.publishedAt).toBe(NOW)
  })
})

describe('an encoded document', () => {
  it('decodes to what it was', async () => {
    const document = await parse(RSS)
    expect(decodeDocument(encodeDocument(document))).toEqual(document)
  })

  it('of another version, or cut, is nothing', async () => {
    const bytes = encodeDocument(await parse(RSS))
    expect(decodeDocument(bytes.subarray(0, -5))).toBeNull()
    expect(decodeDocument(new TextEncoder().encode('{"posts":[]}'))).toBeNull()
    expect(
      decodeDocument(Buffer.from(Buffer.from(bytes).toString('utf8').replace('feedctl-document ', 'feedctl-document 9'))),
    ).toBeNull()
  })
})
