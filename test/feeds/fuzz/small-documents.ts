/** Small documents with what the real and the generated ones have none of: old formats, XHTML, base64, modules, entities of their own. */
export const SMALL_DOCUMENTS: Readonly<Record<string, string>> = {
  'small rss 0.91': `<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/publish/formats/rss-0.91.dtd">
<rss version="0.91"><channel><title>Caf&eacute; &amp; more</title><link>http://old.example/</link><description>d</description><language>en</language>
<skipHours><hour>1</hour><hour>24</hour></skipHours><skipDays><day>Sunday</day></skipDays>
<item><title>One</title><link>http://old.example/1</link><description>&lt;p&gt;One&lt;/p&gt;</description></item>
<item><title>Two</title><link>two.html</link></item></channel></rss>`,

  'small rss 0.90': `<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">
<channel><title>Old</title><link>http://old.example/</link><description>d</description></channel>
<item><title>A</title><link>http://old.example/a</link></item></rdf:RDF>`,

  'small rss with modules': `<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE rss [<!ENTITY e "expanded">]>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:atom="http://www.w3.org/2005/Atom" xml:base="http://base.example/dir/">
<channel><title>Modules &e;</title><link>/</link><ttl>90</ttl><sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>
<sy:updateBase>2000-01-01T12:00+00:00</sy:updateBase><image><url>icon.png</url></image>
<item xml:base="sub/"><guid isPermaLink="false">urn:1</guid><title><![CDATA[A <em>first</em> post]]></title><link>first</link>
<pubDate>Sat, 31 Jan 2026 10:20:30 +0100</pubDate><dc:creator>Jane Doe</dc:creator><author>joe@h.example (Joe)</author>
<category domain="x">two &amp; three</category><content:encoded><![CDATA[<p>Long <a href="more">more</a> <img src="i.png"></p>]]></content:encoded>
<media:group><media:content url="v.mp4" type="video/mp4" fileSize="12"/><media:thumbnail url="t.jpg" width="10"/></media:group>
<itunes:image href="cover.jpg"/><itunes:summary>short</itunes:summary><enclosure url="a.mp3" type="audio/mpeg" length="1234"/></item>
<item><title>Second &amp;amp; last</title><guid>https://h.example/second</guid><pubDate>30 Jan 26 08:00 EST</pubDate>
<description>&lt;p&gt;escaped &amp;lt;b&amp;gt; text&lt;/p&gt;</description></item></channel></rss>`,

  'small atom 0.3': `<?xml version="1.0"?>
<feed version="0.3" xmlns="http://purl.org/atom/ns#" xml:lang="de"><title mode="escaped">Alt &amp;amp; gut</title><tagline>t</tagline>
<link rel="alternate" type="text/html" href="http://old.example/"/><modified>2003-12-13T18:30:02Z</modified>
<entry><id>tag:old.example,2003:1</id><title>E</title><link rel="alternate" href="http://old.example/e"/><issued>2003-12-13T08:29:29-04:00</issued>
<modified>2003-12-13T18:30:02Z</modified><content type="text/html" mode="base64">PHA+aGVsbG88L3A+</content></entry>
<entry><id>2</id><content type="text/html" mode="escaped">&lt;b&gt;x&lt;/b&gt;</content><created>2003</created></entry></feed>`,

  'small atom 1.0': `<?xml version="1.0" encoding="utf-8"?>
<a:feed xmlns:a="http://www.w3.org/2005/Atom" xmlns:x="http://www.w3.org/1999/xhtml" xml:base="http://h.example/b/" xml:lang="fr">
<a:title type="xhtml"><x:div>Un <x:b>deux</x:b></x:div></a:title><a:link rel="self" href="self.xml"/><a:link href="."/><a:id>urn:f</a:id>
<a:author><a:name>Ann</a:name></a:author>
<a:entry xml:base="c/"><a:id>urn:1</a:id><a:title type="html">&lt;i&gt;1&lt;/i&gt;</a:title><a:link href="1"/><a:link rel="enclosure" href="1.ogg" length="7" type="audio/ogg"/>
<a:published>2026-01-01T00:00:00.5Z</a:published><a:updated>2026-01-02T00:00:00+02:00</a:updated><a:category term="t" label="L"/>
<a:content type="xhtml" xml:base="d/"><x:div><x:p onclick="y()">Text <x:a href="e">l</x:a><x:br/><x:script>x</x:script></x:p></x:div></a:content></a:entry>
<a:entry><a:id>urn:2</a:id><a:title type="text">2 &lt; 3</a:title><a:updated>2026-01-01</a:updated><a:content src="http://h.example/c" type="text/plain"/><a:summary>s</a:summary></a:entry>
</a:feed>`,

  'small json': JSON.stringify({
    version: 'https://jsonfeed.org/version/1.1',
    title: 'JSON <b> feed',
    home_page_url: 'https://h.example/',
    feed_url: 'https://h.example/feed.json',
    description: 'd',
    language: 'en',
    icon: 'i.png',
    authors: [{ name: 'Ann', url: 'https://h.example/ann', avatar: 'a.png' }],
    hubs: [{ type: 'WebSub', url: 'https://hub.example/' }],
    expired: false,
    items: [
      {
        id: 1,
        url: '/1',
        title: 'a < b',
        content_html: '<p onclick="x()">hi <img src="i.png"></p>',
        content_text: 'hi',
        tags: ['x', 'y'],
        image: '/i.jpg',
      },
      {
        id: 'two',
        external_url: 'https://other.example/',
        content_text: 'plain <b>\ntext',
        summary: 's',
        banner_image: 'https://h.example/b.jpg',
        date_published: '2026-01-01T00:00:00Z',
        date_modified: '2026-01-02T00:00:00-08:00',
        author: { name: 'A' },
        attachments: [{ url: 'https://h.example/x.mp3', mime_type: 'audio/mpeg', size_in_bytes: 9, duration_in_seconds: 1.5 }],
      },
    ],
  }),
}
