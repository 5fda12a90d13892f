/** A document made to be expensive: about `bytes` long, in a few lines. */
export interface Adversary {
  readonly name: string
  readonly make: (bytes: number) => string | Buffer
  readonly contentType?: string
}

/** The piece repeated to that many bytes; the number of the repetition is passed to a function. */
function filled(bytes: number, piece: string | ((index: number) => string)): string {
  if (typeof piece === 'string') return piece.repeat(Math.ceil(bytes / Buffer.byteLength(piece)))
  const pieces: string[] = []
  for (let length = 0, index = 0; length < bytes; index++) {
    const next = piece(index)
    pieces.push(next)
    length += next.length
  }
  return pieces.join('')
}

type Filling = string | ((index: number) => string)

const HEAD =
  '<?xml version="1.0"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"' +
  ' xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>t</title>'
const TAIL = '</channel></rss>'
const ATOM_HEAD = '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>'

const bare =
  (filling: Filling, before = '', after = '') =>
  (bytes: number) =>
    before + filled(bytes, filling) + after
const channel = (filling: Filling) => bare(filling, HEAD, TAIL)
const item = (filling: Filling) => bare(filling, `${HEAD}<item>`, `</item>${TAIL}`)
const field = (name: string, filling: Filling) => item2(name, filling, '', '')
const cdata = (name: string, filling: Filling) => item2(name, filling, '<![CDATA[', ']]>')
const item2 = (name: string, filling: Filling, before: string, after: string) =>
  bare(filling, `${HEAD}<item><${name}>${before}`, `${after}</${name}></item>${TAIL}`)
const atom = (filling: Filling) => bare(filling, `${ATOM_HEAD}<entry>`, '</entry></feed>')
const items = (inner: Filling) => channel(index => `<item>${typeof inner === 'string' ? inner : inner(index)}</item>`)
const json = (filling: Filling, before: string, after: string) =>
  bare(filling, `{"version":"https://jsonfeed.org/version/1.1","items":[${before}`, `${after}]}`)

function rows(prefix: string, table: Readonly<Record<string, (bytes: number) => string | Buffer>>): Adversary[] {
  return Object.entries(table).map(([name, make]) => ({ name: `${prefix}: ${name}`, make }))
}

const NO_FEED = rows('no feed', {
  '<': bare('<'),
  '>': bare('>'),
  '&': bare('&'),
  '"': bare('"'),
  'white space': bare(' '),
  'line ends': bare('\r\n'),
  NULs: bare('\0'),
  'zero bytes, then a feed': bare('\0', '', `${HEAD}${TAIL}`),
  'white space, then a feed': bare(' \n', '', `${HEAD}${TAIL}`),
  'text, then a feed': bare('x < y ', '', `${HEAD}${TAIL}`),
  'comments, then a feed': bare('<!-- x -->', '', `${HEAD}${TAIL}`),
  'open comments': bare('<!--'),
  'open instructions': bare('<?'),
  'open declarations': bare('<!'),
  'open CDATA': bare('<![CDATA['),
  'open DOCTYPEs': bare('<!DOCTYPE '),
  brackets: bare('['),
  braces: bare('{'),
  digits: bare('1'),
  'XML declarations': bare('<?xml version="1.0"?>'),
  'an endless XML declaration': bare(' x="y"', '<?xml'),
})

const STRUCTURE = rows('structure', {
  'elements in elements': bare('<a>', HEAD),
  'items in items, never closed': bare('<item>', HEAD),
  'items closed twice': bare('<item></item></item>', HEAD, TAIL),
  'end tags': bare('</a>', HEAD),
  'empty elements': channel('<a/>'),
  'roots after the root': bare('<rss/>', HEAD + TAIL),
  'elements of a million names': channel(index => `<a${index}/>`),
  'one long name': bare('a', '<', '/>'),
  'long element names, nested': bare(index => `<${'n'.repeat(1_000)}${index}>`, HEAD),
  'one attribute of all': item((_index: number) => `<a b="${'x'.repeat(1_000_000)}"/>`),
  'a million attributes': bare(index => ` a${index}="1"`, '<rss', '><channel></channel></rss>'),
  'one attribute a million times': bare(' a="1"', '<rss', '><channel></channel></rss>'),
  'one attribute name of all': bare('x', '<rss ', `><channel></channel></rss>`),
  'attributes without values': bare('x ', '<rss ', '><channel></channel></rss>'),
  'a name, blanks and no value': item(`<a ${'x'.repeat(5_000)}${' '.repeat(5_000)}/>`),
  'an attribute that is never closed': bare('x', `${HEAD}<item><a b="`),
  'open quotes': bare('<a b="', HEAD),
  'equals signs': bare('=', '<rss ', '/>'),
  'a hundred thousand namespaces': bare(index => ` xmlns:n${index}="urn:${index}"`, '<rss', '><channel></channel></rss>'),
  'namespaces declared on every level': bare(index => `<a xmlns:n${index}="urn:${index}">`, HEAD),
  'white space in tags': item(`<a${' '.repeat(10_000)}/>`),
  instructions: channel('<?a b?>'),
  'comments that end oddly': channel('<!-- -- --->'),
})

const TEXT = rows('text', {
  'a long title': field('title', 'word '),
  'a title of entities': field('title', '&amp;'),
  'a title of undeclared entities': field('title', '&nosuch;'),
  'a title of numeric entities': field('title', '&#x1F600;'),
  'a title of ampersands': field('title', '&'),
  'a title of tags': cdata('title', '<b>'),
  'a title of <': cdata('title', '<'),
  'a title of white space': field('title', ' \n'),
  'content of <': cdata('content:encoded', '<'),
  'content of nested divs': cdata('content:encoded', '<div>'),
  'content of lists never closed': cdata('content:encoded', '<ul><li>'),
  'content of attributes': cdata('content:encoded', index => (index === 0 ? '<p ' : ` a${index}=1`)),
  'content of open comments': cdata('content:encoded', '<!--'),
  'content of quotes': cdata('content:encoded', '<a href="\''),
  'content of double-escaped tags': field('description', '&amp;lt;b&amp;gt;'),
  'content of escaped tags': field('description', '&lt;b&gt;x'),
  'content of relative links': items(
    `<link>http://h.example/${'a'.repeat(900)}/</link><description>${'&lt;a href=x&gt;'.repeat(3_000)}</description>`,
  ),
  'CDATA in pieces': field('description', '<![CDATA[x]]>'),
  'open CDATA': bare('<![CDATA[', `${HEAD}<item><description>`),
  'ends of CDATA': field('description', ']]>'),
  'control characters': field('description', '\x01\x02'),
  emoji: field('description', '\u{1F600}'),
  'lone surrogates as references': field('description', '&#xD83D;'),
  'markup as text (XHTML)': bare('<div>x</div>', `${ATOM_HEAD}<entry><content type="xhtml">`, '</content></entry></feed>'),
  'XHTML in XHTML': atom(index => (index === 0 ? '<content type="xhtml">' : '<div>')),
  base64: bare('AAAA', `${ATOM_HEAD}<entry><content type="text/html" mode="base64">`, '</content></entry></feed>'),
})

const FIELDS = rows('fields', {
  '300,000 items': items('<title>a</title><guid>b</guid>'),
  'items that repeat': items('<title>same</title><link>http://h.example/</link>'),
  'items without anything': items(''),
  'items as empty elements': channel('<item/>'),
  'items of 20 KB': items(`<description>${'&lt;p&gt;text&lt;/p&gt;'.repeat(1_000)}</description>`),
  'titles in one item': item('<title>a</title>'),
  categories: item(index => `<category>${index}</category>`),
  enclosures: item(index => `<enclosure url="http://h.example/${index}"/>`),
  'media contents': item(index => `<media:group><media:content url="http://h.example/${index}"/></media:group>`),
  links: atom(index => `<link href="http://h.example/${index}"/>`),
  'relative links': atom(index => `<link href="../${index}"/>`),
  authors: atom(index => `<author><name>${index}</name></author>`),
  'dates of digits': items(`<pubDate>${'1'.repeat(5_000)}</pubDate>`),
  'dates of words': items(`<pubDate>${'Jan '.repeat(1_000)}</pubDate>`),
  'dates of blanks': items(`<pubDate>1${' '.repeat(5_000)}Jan</pubDate>`),
  'a date of all': field('pubDate', '1 Jan '),
  'a guid of all': field('guid', 'x'),
  'a link of all': field('link', 'http://a.'),
  'long links': items(index => `<link>http://${'a.'.repeat(900)}h.example/${index}</link>`),
  'hours to skip': channel('<skipHours><hour>1</hour></skipHours>'),
  'ttl of digits': bare('1', `${HEAD}<ttl>`, `</ttl>${TAIL}`),
  'xml:base on every level': bare('<a xml:base="../b/">', HEAD),
  'a long xml:base, and links': atom(index =>
    index === 0
      ? ''
      : `</entry><entry xml:base="http://h.example/${'b'.repeat(1_900)}/"><content type="html">${'&lt;a href=x&gt;'.repeat(600)}</content>`,
  ),
})

const ENTITIES = rows('entities', {
  'billion laughs': bare(' ', `<!DOCTYPE rss [${laughs(30)}]>${HEAD}<item><title>&lol29;</title></item>`, TAIL),
  'quadratic blow-up': bytes =>
    `<!DOCTYPE rss [<!ENTITY e "${'x'.repeat(bytes / 2)}">]>${HEAD}<item><title>${filled(bytes / 2, '&e;')}</title></item>${TAIL}`,
  'many uses of a small one': bytes =>
    `<!DOCTYPE rss [<!ENTITY e "${'x'.repeat(900)}">]>${HEAD}<item><title>${filled(bytes, '&e;')}</title></item>${TAIL}`,
  'many declarations': bare(
    index => `<!ENTITY e${index} "x">`,
    '<!DOCTYPE rss [',
    `]>${HEAD}<item><title>&e9;</title></item>${TAIL}`,
  ),
  'each declared by the one before': bare(
    index => `<!ENTITY e${index + 1} "&e${index};">`,
    '<!DOCTYPE rss [',
    `]>${HEAD}<item><title>&e9999;</title></item>${TAIL}`,
  ),
  'parameter entities': bare(index => `<!ENTITY % p${index} "x"> %p${index};`, '<!DOCTYPE rss [', `]>${HEAD}${TAIL}`),
  'an open internal subset': bare('<!ENTITY e "', '<!DOCTYPE rss ['),
  'open comments in a subset': bare('<!--', '<!DOCTYPE rss [', `]>${HEAD}${TAIL}`),
  'comments in a subset': bare('<!-- x -->', '<!DOCTYPE rss [', `]>${HEAD}${TAIL}`),
  'blanks in a subset': bare(' ', '<!DOCTYPE rss [<!ENTITY', `]>${HEAD}${TAIL}`),
  'quotes in a subset': bare('"\'', '<!DOCTYPE rss [', `]>${HEAD}${TAIL}`),
  'brackets in a subset': bare('[', '<!DOCTYPE rss ['),
  'references without a name': field('title', '&;'),
  'references that do not end': field('description', '&#x41'),
  'a reference of digits': field('description', index => (index === 0 ? '&#' : '9')),
  'a reference of letters': field('description', index => (index === 0 ? '&' : 'a')),
})

function laughs(levels: number): string {
  return Array.from({ length: levels }, (_, n) => `<!ENTITY lol${n} "${n === 0 ? 'lol' : `&lol${n - 1};`.repeat(10)}">`).join('')
}

const JSONS = rows('JSON', {
  'nested arrays': bare('[', '{"items":['),
  'nested arrays, closed': bytes => `{"items":[${'['.repeat(bytes / 2)}${']'.repeat(bytes / 2)}]}`,
  'nested objects': bytes => `{"items":[${'{"a":'.repeat(bytes / 6)}1${'}'.repeat(bytes / 6)}]}`,
  'nested objects in items': bytes => `{"items":[{"id":"1","authors":${'{"name":'.repeat(bytes / 9)}1${'}'.repeat(bytes / 9)}}]}`,
  'one huge string': json('x', '{"id":"', '"}'),
  'a string of escapes': json('\\u0041', '{"id":"1","content_text":"', '"}'),
  'a string of lone surrogates': json('\\ud800', '{"id":"1","content_text":"', '"}'),
  'a string never closed': json('x', '{"id":"', ''),
  'a number of digits': json('1', '{"id":', '}'),
  'a million items': json('{},', '', '{}'),
  'a million nulls': json('null,', '', 'null'),
  'a million keys': json(index => `"k${index}":1,`, '{', '"id":"1"}'),
  'one key a million times': json('"id":1,', '{', '"id":"1"}'),
  tags: json(index => `"${index}",`, '{"id":"1","tags":[', '""]}'),
  attachments: json(index => `{"url":"http://h.example/${index}"},`, '{"id":"1","attachments":[', '{}]}'),
  authors: json('{"name":"a"},', '{"id":"1","authors":[', '{}]}'),
  'white space': json(' ', '', ''),
  markup: json('<b>', '{"id":"1","content_html":"', '"}'),
})

const utf16 = (text: string, big: boolean) => {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le')
  return big ? bytes.swap16() : bytes
}

const CHARSETS: Adversary[] = [
  { name: 'charset: UTF-16LE', make: bytes => utf16(items('<title>\u00E9t\u00E9</title>')(bytes / 2), false) },
  { name: 'charset: UTF-16BE', make: bytes => utf16(items('<title>\u00E9t\u00E9</title>')(bytes / 2), true) },
  { name: 'charset: UTF-16 lone surrogates', make: bytes => utf16(field('title', '\uD800')(bytes / 2), false) },
  {
    name: 'charset: UTF-32',
    make: bytes =>
      Buffer.concat([
        Buffer.from([0xff, 0xfe, 0, 0]),
        Buffer.from(utf16(items('<title>x</title>')(bytes / 4), false)).subarray(2),
      ]),
  },
  { name: 'charset: UTF-32 for real', make: bytes => utf32(items('<title>x</title>')(bytes / 4)) },
  { name: 'charset: malformed UTF-8', make: bytes => Buffer.from(field('title', '\xC3\x28\xF0\x28')(bytes / 2), 'latin1') },
  { name: 'charset: continuation bytes', make: bytes => Buffer.alloc(bytes, 0x80) },
  { name: 'charset: 0xFF', make: bytes => Buffer.alloc(bytes, 0xff) },
  { name: 'charset: 0xFE', make: bytes => Buffer.alloc(bytes, 0xfe) },
  {
    name: 'charset: lead bytes of Shift_JIS',
    make: bytes => Buffer.from(field('title', '\x81')(bytes), 'latin1'),
    contentType: 'text/xml; charset=shift_jis',
  },
  {
    name: 'charset: escapes of ISO-2022-JP',
    make: bytes => Buffer.from(field('title', '\x1B$B\x1B(B')(bytes), 'latin1'),
    contentType: 'text/xml; charset=iso-2022-jp',
  },
  {
    name: 'charset: GB18030 noise',
    make: bytes => Buffer.from(field('title', '\x81\x30\x81\x30')(bytes), 'latin1'),
    contentType: 'text/xml; charset=gb18030',
  },
  {
    name: 'charset: undeclared windows-1251',
    make: bytes => Buffer.from(items('<title>\xCF\xF0\xE8\xE2\xE5\xF2</title>')(bytes), 'latin1'),
  },
  {
    name: 'charset: every byte in turn',
    make: bytes => Buffer.alloc(bytes, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))),
  },
  { name: 'charset: noise', make: noise },
]

function utf32(text: string): Buffer {
  const bytes = Buffer.alloc(4 + text.length * 4)
  bytes.writeUInt32LE(0xfeff, 0)
  for (let index = 0; index < text.length; index++) bytes.writeUInt32LE(text.charCodeAt(index), 4 + index * 4)
  return bytes
}

/** xorshift: bytes that nothing compresses or recognises. */
function noise(bytes: number): Buffer {
  const words = new Uint32Array(bytes / 4)
  let state = 2463534242
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[index] = state
  }
  return Buffer.from(words.buffer)
}

export const ADVERSARIES: readonly Adversary[] = [
  ...NO_FEED,
  ...STRUCTURE,
  ...TEXT,
  ...FIELDS,
  ...ENTITIES,
  ...JSONS,
  ...CHARSETS,
]
