import { parseDocument } from '../../../src/feeds/parse/parse.js'

export const NOW = Date.UTC(2026, 5, 15, 12)
export const URL_OF_FEED = 'https://feeds.example/dir/feed.xml'

export function parse(document: string | Uint8Array, contentType: string | null = null) {
  const body = typeof document === 'string' ? new TextEncoder().encode(document) : document
  return parseDocument({ body, contentType, url: URL_OF_FEED, now: NOW })
}

const RSS_NAMESPACES =
  'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"'

export function rss(...items: readonly string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" ${RSS_NAMESPACES}>
<channel>
<title>News &amp; more</title>
<link>https://site.example/blog/</link>
<description>All of it</description>
<language>en-gb</language>
<ttl>90</ttl>
${items.join('\n')}
</channel>
</rss>`
}

export function item(number: number, inner = ''): string {
  return `<item><title>Post ${number}</title><link>https://site.example/${number}</link><guid>tag:${number}</guid>${inner}</item>`
}

export function atom(...entries: readonly string[]): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de">
<title type="html">Atom &amp;amp; Co</title>
<subtitle>Below</subtitle>
<link rel="self" href="https://site.example/atom.xml"/>
<link href="https://site.example/"/>
<id>urn:feed</id>
<updated>2026-01-02T03:04:05Z</updated>
${entries.join('\n')}
</feed>`
}

export const RSS = rss(
  `<item>
<title><![CDATA[A <em>first</em> post]]></title>
<link>https://site.example/blog/first</link>
<guid isPermaLink="false">urn:first</guid>
<pubDate>Sat, 31 Jan 2026 10:20:30 +0100</pubDate>
<dc:creator>Jane Doe</dc:creator>
<category>one</category><category domain="x">two &amp; three</category>
<description>short</description>
<content:encoded><![CDATA[<p>Long <a href="/more">more</a></p>]]></content:encoded>
<enclosure url="https://site.example/a.mp3" type="audio/mpeg" length="1234"/>
<enclosure url="https://site.example/b.mp3" type="audio/mpeg" length=""/>
</item>`,
  `<item>
<title>Second &amp;amp; last</title>
<guid>https://site.example/second</guid>
<author>joe@site.example (Joe)</author>
<pubDate>30 Jan 26 08:00 EST</pubDate>
<description>&lt;p&gt;escaped &amp;lt;b&amp;gt; text&lt;/p&gt;</description>
</item>`,
)

export const ATOM = atom(
  `<entry>
<id>urn:1</id>
<title type="text">2 &lt; 3 &amp; so on</title>
<link rel="alternate" type="text/html" href="https://site.example/1"/>
<link rel="enclosure" type="audio/ogg" length="77" href="https://site.example/1.ogg"/>
<author><name>Ann</name></author><author><name>Bob</name></author>
<category term="t1" label="Label one"/><category term="t2"/>
<published>2026-01-01T00:00:00.5Z</published>
<updated>2026-01-02T00:00:00+02:00</updated>
<summary>short</summary>
<content type="html">&lt;p&gt;Long &lt;b&gt;one&lt;/b&gt;&lt;/p&gt;</content>
</entry>`,
  `<entry>
<id>urn:2</id>
<title>Two</title>
<link href="https://site.example/2"/>
<updated>2026-01-01T00:00:00Z</updated>
<content type="text">1 &lt; 2
next line</content>
</entry>`,
)

export const RDF = `<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel rdf:about="https://site.example/rdf">
<title>RDF</title><link>https://site.example/</link><description>old</description><dc:language>fr</dc:language>
</channel>
<item rdf:about="https://site.example/r1">
<title>R1</title><link>https://site.example/r1</link><description>plain</description>
<dc:creator>Zoe</dc:creator><dc:date>2026-03-04T05:06:07+01:00</dc:date><dc:subject>s1</dc:subject>
</item>
<item rdf:about="https://site.example/r2">
<title>R2</title><link>https://site.example/r2</link><content:encoded><![CDATA[<i>rich</i>]]></content:encoded>
</item>
</rdf:RDF>`

export const JSON_FEED = JSON.stringify({
  version: 'https://jsonfeed.org/version/1.1',
  title: 'JSON <b> feed',
  home_page_url: 'https://site.example/',
  language: 'en',
  items: [
    { id: 1, url: '/1', title: 'a < b', content_html: '<p onclick="x()">hi</p>', content_text: 'hi', tags: ['x', 'y'] },
    {
      id: 'two',
      content_text: 'plain <b>\ntext',
      date_published: '2026-01-01T00:00:00Z',
      authors: [{ name: 'A' }, { name: 'B' }],
      attachments: [{ url: 'https://site.example/x.mp3', mime_type: 'audio/mpeg', size_in_bytes: 9 }],
    },
  ],
})
