import { describe, expect, it } from 'vitest'
import { atom, item, parse, rss } from './documents.js'

const guids = async (document: string) => (await parse(document)).posts.map(post => post.guid)
const first = async (document: string) => (await parse(document)).posts[0]

describe('the formats', () => {
  it('include RSS 0.91 with the DOCTYPE of Netscape and the entities that it leaves to its DTD', async () => {
    const document = `<?xml version="1.0"?>
<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">
<rss version="0.91"><channel><title>Caf&eacute;</title><link>https://s.example/</link><description>d</description>
<item><title>M&uuml;nchen</title><link>https://s.example/1</link></item></channel></rss>`
    expect(await parse(document)).toMatchObject({ format: 'rss', title: 'Caf\u00e9', posts: [{ title: 'M\u00fcnchen' }] })
  })

  it.each(['0.92', '0.93', '0.94', '2.0.1', '', 'x'])('include RSS of version "%s"', async version => {
    expect(await guids(rss(item(1)).replace('version="2.0"', `version="${version}"`))).toEqual(['tag:1'])
  })

  it('include RSS 0.90, in RDF, whose entries stand beside the channel', async () => {
    const document = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">
<channel><title>Old</title><link>https://s.example/</link><description>d</description></channel>
<item><title>One</title><link>https://s.example/1</link></item></rdf:RDF>`
    expect(await parse(document)).toMatchObject({ format: 'rdf', title: 'Old', posts: [{ url: 'https://s.example/1' }] })
  })

  it('include RDF whose vocabulary has a prefix, and entries inside the channel', async () => {
    const document = `<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rss="http://purl.org/rss/1.0/" xmlns:d="http://purl.org/dc/elements/1.1/">
<rss:channel><rss:title>T</rss:title><rss:item r:about="urn:1"><rss:title>One</rss:title><d:creator>Zoe</d:creator></rss:item></rss:channel>
<rss:item r:about="urn:2"><rss:title>Two</rss:title></rss:item></r:RDF>`
    expect(await parse(document)).toMatchObject({
      format: 'rdf',
      title: 'T',
      posts: [{ guid: 'urn:1', author: 'Zoe' }, { guid: 'urn:2' }],
    })
  })

  it('include Atom 0.3', async () => {
    const document = `<feed version="0.3" xmlns="http://purl.org/atom/ns#" xml:lang="sv"><title>A</title><tagline>Below</tagline>
<link rel="alternate" type="text/html" href="https://s.example/"/><author><name>Ann</name></author>
<entry><title>One</title><link rel="alternate" type="text/html" href="https://s.example/1"/><id>urn:1</id>
<issued>2004-05-06T07:08:09Z</issued><modified>2004-05-07T07:08:09Z</modified>
<content type="text/html" mode="escaped">&lt;p&gt;x&lt;/p&gt;</content></entry></feed>`
    expect(await parse(document)).toMatchObject({
      format: 'atom',
      language: 'sv',
      description: 'Below',
      posts: [
        {
          guid: 'urn:1',
          url: 'https://s.example/1',
          author: 'Ann',
          publishedAt: Date.UTC(2004, 4, 6, 7, 8, 9),
          updatedAt: Date.UTC(2004, 4, 7, 7, 8, 9),
          content: '<p>x</p>',
        },
      ],
    })
  })

  it('include JSON Feed 1.0 with its one author, pictures and extensions', async () => {
    const document = JSON.stringify({
      version: 'https://jsonfeed.org/version/1',
      title: 'J',
      author: { name: 'Ann' },
      language: 'nl',
      _ours: { about: 'x' },
      items: [
        { id: 'a', image: 'https://s.example/i.png', content_text: 'a < b', summary: 's', _ours: 1 },
        { id: 'b', banner_image: 'https://s.example/b.png', content_html: '<b>x</b>', author: { name: 'Bob' } },
        { id: 'c', image: 'javascript:alert(1)', external_url: 'https://other.example/' },
      ],
    })
    expect(await parse(document)).toMatchObject({
      format: 'json',
      language: 'nl',
      posts: [
        { author: 'Ann', image: 'https://s.example/i.png', content: 'a &lt; b' },
        { author: 'Bob', image: 'https://s.example/b.png', content: '<b>x</b>' },
        { author: 'Ann', image: null, url: 'https://other.example/' },
      ],
    })
  })
})

describe('a document', () => {
  it.each([
    [
      'upper case',
      '<RSS VERSION="2.0"><CHANNEL><TITLE>T</TITLE><ITEM><GUID ISPERMALINK="false">g</GUID><PUBDATE>1 Jan 2026</PUBDATE></ITEM></CHANNEL></RSS>',
    ],
    [
      'a prefix of its own',
      '<r:rss xmlns:r="http://backend.userland.com/rss2"><r:channel><r:title>T</r:title><r:item><r:guid>g</r:guid><r:pubDate>1 Jan 2026</r:pubDate></r:item></r:channel></r:rss>',
    ],
    [
      'a prefix that is not declared',
      '<rss:rss><rss:channel><rss:title>T</rss:title><rss:item><rss:guid>g</rss:guid><rss:pubDate>1 Jan 2026</rss:pubDate></rss:item></rss:channel></rss:rss>',
    ],
    ['no root', '<channel><title>T</title><item><guid>g</guid><pubDate>1 Jan 2026</pubDate></item></channel>'],
    [
      'entries beside the channel',
      '<rss><channel><title>T</title></channel><item><guid>g</guid><pubDate>1 Jan 2026</pubDate></item></rss>',
    ],
    [
      'a wrapper',
      '<xml><rss><channel><title>T</title><item><guid>g</guid><pubDate>1 Jan 2026</pubDate></item></channel></rss></xml>',
    ],
  ])('in RSS may have %s', async (_, document) => {
    expect(await parse(document)).toMatchObject({
      title: 'T',
      notices: [],
      posts: [{ guid: 'g', publishedAt: Date.UTC(2026, 0, 1) }],
    })
  })

  it('in Atom may have prefixes, in the root or only in entries', async () => {
    const whole =
      '<atom:feed xmlns:atom="http://www.w3.org/2005/Atom"><atom:title>T</atom:title><atom:entry><atom:id>urn:1</atom:id></atom:entry></atom:feed>'
    expect(await parse(whole)).toMatchObject({ title: 'T', posts: [{ guid: 'urn:1' }] })
    const some = '<feed xmlns:a="http://www.w3.org/2005/Atom"><title>T</title><a:entry><a:id>urn:1</a:id></a:entry></feed>'
    expect(await parse(some)).toMatchObject({ title: 'T', posts: [{ guid: 'urn:1' }] })
  })

  it('may give known namespaces other prefixes, and use prefixes that it does not declare', async () => {
    const odd = `<rss version="2.0" xmlns:c="http://purl.org/rss/1.0/modules/content/" xmlns:a10="http://www.w3.org/2005/Atom"><channel><title>T</title>
<item><guid>g</guid><c:encoded>long</c:encoded><description>short</description><a10:updated>2026-01-01T00:00:00Z</a10:updated></item></channel></rss>`
    expect(await first(odd)).toMatchObject({ content: 'long', updatedAt: Date.UTC(2026, 0, 1) })
    const undeclared =
      '<rss><channel><item><guid>g</guid><dc:creator>Ann</dc:creator><content:encoded>long</content:encoded></item></channel></rss>'
    expect(await first(undeclared)).toMatchObject({ author: 'Ann', content: 'long' })
  })

  it('may begin with a mark, white space, XML 1.1, stylesheets and comments', async () => {
    const prolog = '\uFEFF\n <?xml version="1.1"?>\n<?xml-stylesheet href="a.xsl"?><!-- <rss> -->'
    expect(await guids(prolog + rss(item(1)).replace(/^<\?xml.*\?>/, ''))).toEqual(['tag:1'])
  })

  it('may stand behind what PHP has to say in HTML, and before a page or a second root', async () => {
    const warning = '<br />\n<b>Warning</b>: foo() expects 1 parameter in <b>/var/www/x.php</b> on line <b>3</b><br />\n'
    expect(await guids(warning + rss(item(1)))).toEqual(['tag:1'])
    expect(await guids(`${rss(item(1))}<!-- 3 queries --><html><body><br></body></html>`)).toEqual(['tag:1'])
    expect(await guids(`${rss(item(1))}\n${rss(item(2))}`)).toEqual(['tag:1'])
    expect(await guids(`${warning}${rss(item(1, '<description>a&nbsp;b</description>'))}</body>`)).toEqual(['tag:1'])
  })

  it('names its language by xml:lang, dc:language or language', async () => {
    expect((await parse('<rss xml:lang="da"><channel><title>T</title></channel></rss>')).language).toBe('da')
    expect((await parse('<rss><channel><dc:language>fi</dc:language><title>T</title></channel></rss>')).language).toBe('fi')
    expect((await parse(atom())).language).toBe('de')
  })
})

describe('an entry', () => {
  it('in RSS links to itself by link, by an Atom link, by its guid, or by what FeedBurner counts away', async () => {
    const link = async (inner: string) => (await first(rss(`<item><title>t</title>${inner}</item>`)))?.url
    expect(await link('<link><![CDATA[ https://s.example/1 ]]></link>')).toBe('https://s.example/1')
    expect(await link('<link>https://s.example/?a=1&amp;b=2</link>')).toBe('https://s.example/?a=1&b=2')
    expect(await link('<atom:link href="https://s.example/2"/><guid>https://s.example/g</guid>')).toBe('https://s.example/2')
    expect(await link('<link/><guid><![CDATA[https://s.example/g]]></guid>')).toBe('https://s.example/g')
    expect(await link('<link/><guid isPermaLink="false">https://s.example/g</guid>')).toBeNull()
    expect(await link('<link href="https://s.example/3"/>')).toBe('https://s.example/3')
    const counted =
      '<link>https://feeds.example/~r/x</link><feedburner:origLink xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0">https://s.example/4</feedburner:origLink>'
    expect(await link(counted)).toBe('https://s.example/4')
  })

  it('in Atom links to its page: the first HTML alternate, else any, else an id that is a URL', async () => {
    const link = async (inner: string) => (await first(atom(`<entry><title>t</title>${inner}</entry>`)))?.url
    const json = '<link rel="alternate" type="application/json" href="/j"/>'
    expect(await link(`<link rel="self" href="/s"/>${json}<link rel="alternate" type="text/html" href="/h"/>`)).toBe(
      'https://site.example/h',
    )
    expect(await link(json)).toBe('https://site.example/j')
    expect(await link('<link rel="http://www.iana.org/assignments/relation/alternate" href="/i"/>')).toBe(
      'https://site.example/i',
    )
    expect(await link('<id>https://s.example/1</id><link rel="self" href="/s"/>')).toBe('https://s.example/1')
    expect(await link('<id>urn:1</id>')).toBeNull()
  })

  it('names its authors: its own, those of its source, then those of the feed', async () => {
    const feed = (inner: string) =>
      atom(`<entry><id>urn:1</id>${inner}</entry>`).replace('<id>urn:feed', '<author><name>Feed</name></author><id>urn:feed')
    expect((await first(feed('<author><name>Ann</name></author><author><name>Bob</name></author>')))?.author).toBe('Ann, Bob')
    expect((await first(feed('<source><author><name>Source</name></author></source>')))?.author).toBe('Source')
    expect((await first(feed('')))?.author).toBe('Feed')
    const of = async (inner: string) =>
      (await first(rss(item(1, inner)).replace('<ttl>', '<managingEditor>ed@x.example (Ed)</managingEditor><ttl>')))?.author
    expect(await of('<dc:creator>Ann</dc:creator><dc:creator>Bob</dc:creator><author>x@y.example</author>')).toBe('Ann, Bob')
    expect(await of('<author>joe@x.example (Joe)</author>')).toBe('Joe')
    expect(await of('<itunes:author>Ina</itunes:author>')).toBe('Ina')
    expect(await of('')).toBeNull()
  })

  it('may be made of iTunes elements only', async () => {
    const inner =
      '<itunes:title>Episode 1</itunes:title><itunes:summary>About it</itunes:summary><itunes:author>Ina</itunes:author>'
    const document = rss(`<item>${inner}<enclosure url="https://s.example/1.mp3" type="audio/mpeg" length="5"/></item>`)
    expect(await first(document)).toMatchObject({
      title: 'Episode 1',
      content: 'About it',
      author: 'Ina',
      enclosures: [{ bytes: 5 }],
    })
  })

  it('decodes what was escaped twice once only, and CDATA not at all', async () => {
    const document = rss(
      item(1, '<description>&amp;lt;b&amp;gt; &amp;amp;eacute;</description>'),
      '<item><title><![CDATA[a &amp; <b>b</b>]]></title></item>',
    )
    expect((await parse(document)).posts).toMatchObject([{ content: '&lt;b&gt; &amp;eacute;' }, { title: 'a & b' }])
  })

  it('whose link is a scheme without a host is where its guid says', async () => {
    const guid = '<guid>https://s.example/1</guid>'
    expect(await first(rss(`<item>${guid}<link>http://</link></item>`))).toMatchObject({ url: 'https://s.example/1' })
    expect(await first(rss(`<item>${guid}<link>https://s.example/2</link></item>`))).toMatchObject({ url: 'https://s.example/2' })
  })

  it('that repeats another in everything is left out, with a notice', async () => {
    const { posts, notices } = await parse(rss(item(1), item(1), item(2)))
    expect(posts).toHaveLength(2)
    const message = '1 post is left out: another has the same guid and link, or is the same in everything'
    expect(notices).toEqual([{ code: 'POSTS_REPEATED', message }])
  })
})
