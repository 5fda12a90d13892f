/** A document that the fuzzer found a fault with, made small, and what must become of it now. */
export interface Regression {
  readonly name: string
  /** Characters up to U+00FF, each a byte. */
  readonly document: string
  readonly contentType?: string
  /** `document`, or the code of the failure. */
  readonly outcome: string
  /** Values that the document has, by path: `posts.0.title`. */
  readonly has?: Readonly<Record<string, unknown>>
}

const rss = (inner: string) => `<rss version="2.0"><channel><title>t</title><item><guid>1</guid>${inner}</item></channel></rss>`
const json = (item: string) => `{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[${item}]}`

export const REGRESSIONS: readonly Regression[] = [
  { name: 'JSON that ends too early has a position', document: '{"":', outcome: 'FEED_UNREADABLE' },
  { name: 'JSON with a wrong comma has a position', document: '{"items":[{"id":"1",,}]}', outcome: 'FEED_UNREADABLE' },
  { name: 'a NUL of JSON is not said as it is', document: '{"":"",""\0\0', outcome: 'FEED_UNREADABLE' },
  { name: 'a form feed of JSON is not said as it is', document: '{"items":\f[{"id":"1"}]', outcome: 'FEED_UNREADABLE' },
  {
    name: 'an attachment whose type is a NUL has none',
    document: json('{"id":"1","attachments":[{"url":"https://h.example/3","mime_type":"\\u0000"}]}'),
    outcome: 'document',
    has: { 'posts.0.enclosures.0.type': null },
  },
  {
    name: 'the type of an enclosure is one line',
    document: rss('<enclosure url="https://h.example/b.mp3" type="audio/\n\tmpeg" length=""/>'),
    outcome: 'document',
    has: { 'posts.0.enclosures.0.url': 'https://h.example/b.mp3' },
  },
  {
    name: 'a declaration inside the root takes no time squared',
    document: rss(`<title><!${'x'.repeat(400_000)}></title>`),
    outcome: 'document',
  },
  { name: 'a title cut behind a blank is trimmed', document: rss(`<title>${'word '.repeat(400)}</title>`), outcome: 'document' },
  {
    name: 'an author cut behind a blank is trimmed',
    document: rss(`<author>${'name '.repeat(100)}</author>`),
    outcome: 'document',
  },
  {
    name: 'an image whose address is prose leads nowhere',
    document: rss('<description>&lt;p&gt;x&lt;/p&gt;&lt;img src="https://h ello\nthree witnesses.&lt;/p&gt;"&gt;</description>'),
    outcome: 'document',
    has: { 'posts.0.content': '<p>x</p>' },
  },
  {
    name: 'a link with a line end in its host is no link with one',
    document: rss('<description>&lt;a href="https://h\n.example/"&gt;x&lt;/a&gt;</description>'),
    outcome: 'document',
  },
  {
    name: 'an ampersand with nothing behind it is text',
    document: rss('<title>a &; b</title>'),
    outcome: 'document',
    has: { 'posts.0.title': 'a &; b' },
  },
  {
    name: 'a DOCTYPE where none belongs has a place, or is passed over',
    document: rss('<!DOCTYPE rss><title>x</title>'),
    outcome: 'document',
  },
  {
    name: 'a month that is a property of objects is no date',
    document: rss('<pubDate>31 __proto__ 2026</pubDate>'),
    outcome: 'document',
    has: { 'posts.0.publishedAt': null },
  },
  {
    name: 'a name that is a property of objects is a name',
    document: rss('<__proto__>x</__proto__><constructor/><title>y</title>'),
    outcome: 'document',
    has: { 'posts.0.title': 'y' },
  },
  {
    name: 'laughs are not laughed',
    document: `<!DOCTYPE rss [<!ENTITY a "lol">${[...'bcdefghij'].map((name, n) => `<!ENTITY ${name} "${`&${'abcdefghi'[n]};`.repeat(10)}">`).join('')}]>${rss('<title>x &j;</title>')}`,
    outcome: 'document',
  },
  {
    name: 'an external entity is not read',
    document: `<!DOCTYPE rss [<!ENTITY e SYSTEM "file:///etc/passwd">]>${rss('<title>x&e;</title>')}`,
    outcome: 'document',
  },
  { name: 'arrays in arrays do not overflow', document: json(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), outcome: 'any' },
  {
    name: 'elements in elements do not overflow',
    document: `<rss><channel><item><title>x</title>${'<a>'.repeat(100_000)}`,
    outcome: 'any',
  },
  {
    name: 'XHTML in XHTML does not overflow',
    document: `<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><content type="xhtml">${'<div>'.repeat(100_000)}`,
    outcome: 'any',
  },
  {
    name: 'a reference of digits is no number too many',
    document: rss(`<description>&#${'9'.repeat(100_000)};</description>`),
    outcome: 'document',
  },
  {
    name: 'an attribute name of 200 KB is read in time',
    document: rss(`<a ${'x'.repeat(200_000)}/><title>y</title>`),
    outcome: 'any',
  },
  {
    name: 'open comments in an internal subset are read in time',
    document: `<!DOCTYPE rss [${'<!--'.repeat(50_000)}]>${rss('<title>y</title>')}`,
    outcome: 'any',
  },
  {
    name: 'the name of a tag is not said in full',
    document: `<rss><channel><item><title>x</title><guid>1</guid></${'n'.repeat(5_000)}></item></channel></rss>`,
    outcome: 'document',
  },
  {
    name: 'the name of a tag is not said in full, without posts',
    document: `<rss><channel></${'n'.repeat(5_000)}>`,
    outcome: 'FEED_UNREADABLE',
  },
  {
    name: 'a language is one line',
    document: '<channel><language>>\n<<item><id><item>',
    outcome: 'any',
  },
  {
    name: 'a language that is a NUL is none',
    document: '<feed xml:lang="\0"><entry><id>1</id></entry></feed>',
    outcome: 'document',
    has: { language: null },
  },
  {
    name: 'a language of blanks and a NUL is none',
    document: '<feed xml:lang=\0><entry><id>1</id></entry></feed>',
    outcome: 'document',
    has: { language: null },
  },
  {
    name: 'a guid of control characters is none',
    document: '<rss><channel><item><guid>\x01</guid><title>x</title></item></channel></rss>',
    outcome: 'document',
  },
]
