import { describe, expect, it } from 'vitest'
import { openingOf } from '../../../src/feeds/parse/opening.js'
import { isUsual } from '../../../src/feeds/parse/usual.js'
import { ATOM, atom, parse, RDF, RSS } from './documents.js'

const rss = (inner: string, channel = '') =>
  `<rss version="2.0"><channel ${channel}><title>t</title><item><guid>1</guid>${inner}</item></channel></rss>`
const DC = 'http://purl.org/dc/elements/1.1/'

describe('what the strict reader would lose', () => {
  it.each([
    [
      'odd case',
      rss('<Title>T</Title><Link>https://s.example/</Link><PubDate>1 Jan 2026</PubDate>'),
      { title: 'T', publishedAt: Date.UTC(2026, 0, 1) },
    ],
    [
      'odd case of one field',
      rss('<title>T</title><GUID>2</GUID><LINK>https://s.example/</LINK>'),
      { title: 'T', url: 'https://s.example/' },
    ],
    ['a prefix declared on the channel', rss('<d:creator>Zoe</d:creator>', `xmlns:d="${DC}"`), { author: 'Zoe' }],
    [
      'a prefix declared on the entry',
      rss('').replace('<item>', `<item xmlns:d='${DC}'><d:creator>Zoe</d:creator>`),
      { author: 'Zoe' },
    ],
    ['a prefix declared where it is used', rss(`<d:creator xmlns:d="${DC}">Zoe</d:creator>`), { author: 'Zoe' }],
    ['a default namespace in the entry', rss(`<creator xmlns="${DC}">Zoe</creator>`), { author: 'Zoe' }],
    [
      'references to Windows-1252',
      rss('<title>It&#146;s&#133; &#x92;&#X0095;</title>'),
      { title: 'It\u2019s\u2026 \u2019\u2022' },
    ],
    ['the same in Atom', atom('<entry><id>1</id><title>It&#146;s</title></entry>'), { title: 'It\u2019s' }],
    ['a declaration inside', rss('<!ELEMENT x><title>T</title>'), { title: 'T' }],
  ])('is read by the tolerant one: %s', async (_what, document, post) => {
    expect(isUsual(openingOf(document), document)).toBe(false)
    expect((await parse(document)).posts).toMatchObject([post])
  })
})

describe('what is usual', () => {
  const markup = '<description><![CDATA[<P>x</P><A HREF="/y">y</A>&#8217;]]></description><lastBuildDate/>'
  const documents = [
    RSS,
    ATOM,
    RDF,
    rss(`<pubDate>1 Jan 2026</pubDate>${markup}&#160;<!-- c --><enclosure url="https://s.example/a.mp3" isPermaLink="x"/>`),
  ]

  it('goes to the strict reader', () => {
    for (const document of documents) expect(isUsual(openingOf(document), document)).toBe(true)
  })

  it('is read alike by both', async () => {
    for (const document of documents) {
      const broken = document.replace(/(<\/title>)/, '$1<x>&unknown;</x>')
      expect(broken).not.toBe(document)
      expect(await parse(broken)).toEqual(await parse(document))
    }
  })
})
