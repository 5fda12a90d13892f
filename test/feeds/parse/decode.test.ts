import iconv from 'iconv-lite'
import { describe, expect, it } from 'vitest'
import { decodeText } from '../../../src/feeds/parse/decode.js'
import { feedOf, latin1, utf8, utf16be, utf16le, utf32 } from './charset-bytes.js'
import { CHARSET_SAMPLES } from './charset-samples.js'

const prolog = (encoding: string) => `<?xml version="1.0" encoding="${encoding}"?>`

it.each([
  ['UTF-8', utf8('<a>\u00e9\u20ac</a>'), null, '<a>\u00e9\u20ac</a>'],
  ['a UTF-8 mark, which is dropped', utf8('\uFEFF<a/>'), 'text/xml; charset=latin1', '<a/>'],
  ['UTF-8 that the Content-Type denies', utf8('<a>\u00e9</a>'), 'text/xml; charset=iso-8859-1', '<a>\u00e9</a>'],
  ['UTF-8 that the prolog denies', utf8(`${prolog('iso-8859-1')}\u00e9`), null, `${prolog('iso-8859-1')}\u00e9`],
  ['the charset of the Content-Type', latin1('<a>\xc6\xe5</a>'), 'text/xml; charset="windows-1251"', '<a>\u0416\u0435</a>'],
  [
    'the Content-Type before the prolog',
    latin1(`${prolog('iso-8859-1')}\xc6`),
    'a/b; charset=windows-1251',
    `${prolog('iso-8859-1')}\u0416`,
  ],
  ['the encoding of the prolog', latin1(`${prolog('windows-1251')}\xc6`), 'text/xml', `${prolog('windows-1251')}\u0416`],
  [
    'the prolog when the Content-Type is nonsense',
    latin1(`${prolog('koi8-r')}\xc1`),
    'a/b; charset=nonsense',
    `${prolog('koi8-r')}\u0430`,
  ],
  ['Windows-1252 when nothing is declared', latin1('<a>\x80 \xe9 \x93</a>'), null, '<a>\u20ac \u00e9 \u201c</a>'],
  [
    'Windows-1252 when UTF-8 is declared wrongly',
    latin1('<a>caf\xe9 \xe0 la</a>'),
    'a/b; charset=utf-8',
    '<a>caf\u00e9 \u00e0 la</a>',
  ],
  [
    'UTF-8 with a byte that is broken',
    new Uint8Array([...utf8('<a>\u00e9\u00e8\u00ea'), 0xff]),
    'a/b; charset=utf-8',
    '<a>\u00e9\u00e8\u00ea\uFFFD',
  ],
  ['Shift_JIS', new Uint8Array([0x3c, 0x61, 0x3e, 0x93, 0xfa, 0x96, 0x7b]), 'a/b;charset=Shift_JIS', '<a>\u65e5\u672c'],
  ['ISO-2022-JP', new Uint8Array([0x3c, 0x1b, 0x24, 0x42, 0x46, 0x7c, 0x1b, 0x28, 0x42]), 'a/b;charset=iso-2022-jp', '<\u65e5'],
  ['UTF-16 by its mark', utf16le('\uFEFF<a>\u00e9</a>'), null, '<a>\u00e9</a>'],
  ['UTF-16 by its mark, the other way round', utf16be('\uFEFF<a>\u00e9</a>'), null, '<a>\u00e9</a>'],
  ['UTF-16 by its NULs', utf16le('<a>\u00e9</a>'), null, '<a>\u00e9</a>'],
  ['UTF-16 by its NULs, the other way round', utf16be('<a>\u00e9</a>'), 'text/xml; charset=utf-8', '<a>\u00e9</a>'],
  ['nothing', new Uint8Array(0), null, ''],
])('reads %s', (_name, bytes, contentType, text) => {
  expect(decodeText(bytes, contentType)).toBe(text)
})

it('reads a part of a larger buffer', () => {
  expect(decodeText(utf8('xx<a>\u00e9</a>yy').subarray(2, -2), null)).toBe('<a>\u00e9</a>')
})

describe('the text of every charset is read', () => {
  const rows = CHARSET_SAMPLES.map(({ label, text, base64 }) => [label, text, Buffer.from(base64, 'base64')] as const)

  it.each(rows)('%s that the Content-Type names', (label, text, bytes) => {
    expect(decodeText(feedOf(bytes), `text/xml; charset=${label}`)).toContain(`<title>${text}</title>`)
  })

  it.each(rows)('%s that the prolog names', (label, text, bytes) => {
    const declaration = `<?xml version='1.0' encoding='${label.toUpperCase()}' ?>`
    expect(decodeText(feedOf(bytes, declaration), 'application/rss+xml')).toContain(`<title>${text}</title>`)
  })

  // Four Baltic letters in a hundred are too few against Western Europe's.
  const telling = rows.filter(([label]) => label !== 'windows-1257')

  it.each(telling)('%s that nothing names', (_label, text, bytes) => {
    expect(decodeText(feedOf(bytes), null)).toContain(`<title>${text}</title>`)
  })

  it.each(telling)('%s that is declared as UTF-8', (_label, text, bytes) => {
    const declaration = '<?xml version="1.0" encoding="utf-8"?>'
    expect(decodeText(feedOf(bytes, declaration), 'text/xml; charset=utf-8')).toContain(`<title>${text}</title>`)
  })

  const foreign = rows.filter(
    ([label]) => !['windows-1252', 'windows-1250', 'iso-8859-2', 'windows-1254', 'windows-1257'].includes(label),
  )

  it.each(foreign)('%s that a server labels as Latin-1', (_label, text, bytes) => {
    expect(decodeText(feedOf(bytes), 'text/xml; charset=ISO-8859-1')).toContain(`<title>${text}</title>`)
  })
})

it.each([
  ['gbk', 'd0c2cec5d6d0d0c4', '\u65b0\u95fb\u4e2d\u5fc3'],
  ['big5', 'b773bb44a4a4a4dfc059b1f8', '\u65b0\u805e\u4e2d\u5fc3\u982d\u689d'],
  ['euc-jp', 'bac7bfb7a5cba5e5a1bca5b9', '\u6700\u65b0\u30cb\u30e5\u30fc\u30b9'],
  ['shift_jis', '8dc59056836a8385815b8358', '\u6700\u65b0\u30cb\u30e5\u30fc\u30b9'],
  ['euc-kr', 'c3d6bdc520b4babdba20bcd3bab8', '\ucd5c\uc2e0 \ub274\uc2a4 \uc18d\ubcf4'],
])('tells %s by a few words', (_label, hex, text) => {
  const bytes = Buffer.from(hex, 'hex')
  expect(decodeText(feedOf(bytes), null)).toContain(`<title>${text}</title>`)
})

it.each([
  ['iso-8859-2', '\u017dlu\u0165ou\u010dk\u00fd k\u016f\u0148 p\u0159\u00edli\u0161 \u017elu\u0165ou\u010dk\u00fd'],
  ['iso-8859-2', 'Za\u017c\u00f3\u0142\u0107 g\u0119\u015bl\u0105 ja\u017a\u0144 by\u0142a wczoraj'],
  ['windows-1252', '\u00c9t\u00e9 : 5 m\u00b3, \u00abl\u2019\u0153uvre\u00bb \u00a9Getty, \u00bd p\u00eache'],
  ['windows-1252', 'A\u00f1orado d\u00eda en Per\u00fa, \u00bfqu\u00e9? \u00a1S\u00ed! 1\u00ba'],
])('tells %s by a title: %s', (charset, text) => {
  expect(decodeText(feedOf(iconv.encode(text, charset)), null)).toContain(`<title>${text}</title>`)
})

it('tells ISO-2022-JP by its escapes', () => {
  const bytes = Buffer.from('1b2442467c4b5c1b2842', 'hex')
  expect(decodeText(feedOf(bytes), null)).toContain('<title>\u65e5\u672c</title>')
})

it.each([
  ['le' as const, '\uFEFF', 'a mark'],
  ['be' as const, '\uFEFF', 'a mark'],
  ['le' as const, '', 'no mark'],
  ['be' as const, '', 'no mark'],
  ['le' as const, ' \n', 'white space first'],
  ['be' as const, ' \n', 'white space first'],
])('reads UTF-16 and UTF-32 %s with %s%s', (order, lead, _what) => {
  const text = '<rss><title>\u00e9\u65e5\u672c\u{1F600}</title></rss>'
  const utf16 = order === 'le' ? utf16le : utf16be
  for (const declared of [null, 'text/xml; charset=utf-8', `text/xml; charset=utf-16${order}`]) {
    expect(decodeText(utf16(lead + text), declared).trim()).toBe(text)
    expect(decodeText(utf32(lead + text, order), declared).trim()).toBe(text)
  }
})

it('believes the mark of UTF-16 when no NUL tells it', () => {
  const text = '\u65e5\u672c\u8a9e'.repeat(5)
  expect(decodeText(utf16be(`\uFEFF${text}`), 'text/xml; charset=utf-8')).toBe(text)
  expect(decodeText(utf16le(`\uFEFF${text}`), 'text/xml; charset=utf-8')).toBe(text)
})

it('makes U+FFFD of what is no character of UTF-32', () => {
  const bytes = Buffer.concat([
    utf32('\uFEFF<a>', 'le'),
    Buffer.from([0, 0xd8, 0, 0, 0, 0, 0x11, 0, 0xff, 0xff, 0xff, 0xff, 0x41, 0]),
  ])
  expect(decodeText(bytes, null)).toBe('<a>\uFFFD\uFFFD\uFFFD\uFFFD')
})

it.each([
  ['utf8', '\u00e9'],
  ['UTF_8', '\u00e9'],
  ['utf8mb4', '\u00e9'],
])('reads UTF-8 with a broken byte under the label %s', (label, text) => {
  expect(decodeText(Buffer.from([...utf8('<a>\u00e9'), 0xff]), `a/b; charset=${label}`)).toBe(`<a>${text}\uFFFD`)
})

it('believes the prolog before a Latin-1 that the server added, unless that is all there is', () => {
  const bytes = feedOf(Buffer.from([0xcf, 0xf0, 0xe8, 0xe2]), '<?xml version="1.0" encoding="windows-1251"?>')
  expect(decodeText(bytes, 'text/xml; charset=iso-8859-1')).toContain('<title>\u041f\u0440\u0438\u0432</title>')
  expect(decodeText(feedOf(latin1('caf\xe9')), 'text/xml; charset=iso-8859-1')).toContain('<title>caf\u00e9</title>')
})

it('keeps the rest of a UTF-8 document in which a character is cut or broken', () => {
  for (const broken of [[0xc3], [0xe3, 0x81], [0xf0, 0x9f, 0x98], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80]]) {
    const bytes = feedOf(
      Buffer.concat([
        utf8('caf\u00e9 \u65e5\u672c\u8a9e \u00fc\u00f6\u00e4 na\u00efve \u65e5\u672c\u8a9e \u201cx\u201d'),
        Uint8Array.from(broken),
      ]),
    )
    for (const declared of [null, 'a/b; charset=utf-8', 'a/b; charset=iso-8859-1', 'a/b; charset=windows-1251']) {
      const text = decodeText(bytes, declared)
      expect(text).toContain('caf\u00e9 \u65e5\u672c\u8a9e \u00fc\u00f6\u00e4 na\u00efve \u65e5\u672c\u8a9e \u201cx\u201d\uFFFD')
      expect(text).toContain('</title><link>')
    }
  }
  expect(decodeText(Buffer.from([0x3c, 0x61, 0x3e, 0xe3, 0x81]), null)).toBe('<a>\uFFFD')
})

it.each([
  'gbk',
  'gb18030',
  'big5',
  'euc-kr',
  'euc-jp',
  'shift_jis',
  'iso-2022-jp',
  'utf-16',
  'utf-32',
  'koi8-r',
  'utf-7',
  '',
])('never throws and never swallows markup, whatever the bytes that are called %s', label => {
  let state = 7
  for (let round = 0; round < 200; round++) {
    const noise = Buffer.alloc(round)
    for (let at = 0; at < round; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      noise[at] = state >>> 24
    }
    const text = decodeText(feedOf(noise), `text/xml; charset=${label}`)
    expect(text).not.toMatch(/\p{Surrogate}/u)
    // The escapes of ISO-2022 make markup of nothing: there, ASCII is not ASCII.
    if (label !== 'iso-2022-jp') expect(text).toMatch(/<\/title><link>https:.*<\/rss>$/)
    expect(decodeText(noise, `text/xml; charset=${label}`)).not.toMatch(/\p{Surrogate}/u)
  }
  for (let byte = 0x80; byte <= 0xff; byte++)
    expect(decodeText(Buffer.from([byte]), `a/b; charset=${label}`)).not.toMatch(/\p{Surrogate}/u)
})

it('reads 10 MB of any bytes without ever looking at them again and again', () => {
  const bytes = 10_000_000
  const documents = [
    ...[0x00, 0x1b, 0x22, 0x3c, 0x88, 0xb0, 0xe9, 0xff].map(byte => Buffer.alloc(bytes, byte)),
    Buffer.alloc(bytes, Buffer.from('>\xe9', 'latin1')),
    Buffer.alloc(bytes, Buffer.from('<?xml \xe9', 'latin1')),
    Buffer.concat([Buffer.alloc(bytes, 'a'), Buffer.alloc(20, 0xe9)]),
  ]
  for (const document of documents) {
    for (const declared of [null, 'a/b; charset=gbk', 'a/b; charset=euc-kr', 'a/b; charset=iso-2022-jp']) {
      const start = process.cpuUsage()
      expect(decodeText(document, declared)).not.toBe('')
      const { user, system } = process.cpuUsage(start)
      // Processor time: 0.01 to 0.25 s on the slowest machine at hand; what is quadratic takes hours.
      expect(user + system).toBeLessThan(5_000_000)
    }
  }
})
