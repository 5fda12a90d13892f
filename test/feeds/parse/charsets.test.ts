import { expect, it } from 'vitest'
import { decodeText } from '../../../src/feeds/parse/decode.js'
import { feedOf, latin1, utf16be, utf16le, utf32 } from './charset-bytes.js'
import { CHARSET_SAMPLES, type CharsetSample } from './charset-samples.js'

it.each([
  [
    'windows-1251',
    ['cp1251', 'CP-1251', 'win-1251', 'Win1251', 'windows1251', 'windows_1251', 'x-cp1251', '"windows-1251"', ' windows-1251 '],
  ],
  ['koi8-r', ['KOI8R', 'koi8_r', 'koi']],
  ['iso-8859-5', ['iso8859-5', 'ISO_8859-5', 'ISO88595', 'iso-8859-5:1988', 'cyrillic']],
])('knows %s by its spellings', (label, spellings) => {
  const bytes = Buffer.from([0xc1, 0xd2])
  const text = new TextDecoder(label).decode(bytes)
  for (const spelling of spellings) {
    expect([spelling, decodeText(bytes, `text/xml; charset=${spelling}`)]).toEqual([spelling, text])
    const prolog = `<?xml version="1.0" encoding=" ${spelling.replaceAll('"', '')} "?>`
    expect([spelling, decodeText(Buffer.concat([Buffer.from(prolog), bytes]), null)]).toEqual([spelling, prolog + text])
  }
})

it.each([
  ['euc-kr', ['cp949', 'ms949', 'uhc', 'ks_c_5601-1987', 'EUC_KR'], 'c5d7'],
  ['shift_jis', ['x-sjis', 'sjis', 'Shift-JIS', 'shift_jis', 'cp932', 'ms932', 'windows-31j'], '93fa'],
  ['gbk', ['gb2312', 'GB_2312-80', 'cp936', 'ms936', 'gb18030', 'x-gbk'], 'd6d0'],
  ['big5', ['big-5', 'cn-big5', 'cp950', 'big5-hkscs'], 'a4a4'],
])('knows %s by its spellings too', (label, spellings, hex) => {
  const bytes = Buffer.from(hex.repeat(4), 'hex')
  for (const spelling of spellings) {
    expect([spelling, decodeText(bytes, `a/b;charset=${spelling}`)]).toEqual([spelling, new TextDecoder(label).decode(bytes)])
  }
})

it('reads every syllable that Korean publishers use, not the 2,350 of the old standard alone', () => {
  // The first, one between and the last of the extension, and the two signs of 1998.
  const bytes = Buffer.from('8141 8c63 c652 a2e6 a2e7 b0a1'.replaceAll(' ', ''), 'hex')
  expect(decodeText(bytes, 'a/b; charset=euc-kr')).toBe('\uac02\ub620\ud7a3\u20ac\u00ae\uac00')
})

it('reads the characters of Hong Kong that Big5 has been given since', () => {
  // Two beyond the basic plane, and a letter with a mark of its own.
  const bytes = Buffer.from('8745 8862 fefd a4a4'.replaceAll(' ', ''), 'hex')
  expect(decodeText(bytes, 'a/b; charset=big5')).toBe('\u{27267}\u00ca\u0304\u{2910D}\u4e2d')
})

it('reads the four-byte characters of GB 18030 in what calls itself GB 2312', () => {
  const bytes = Buffer.from(`${'d6d0'.repeat(100)}8139ee3995328236a2e3`, 'hex')
  for (const label of ['gb2312', 'gbk', 'gb18030']) {
    expect(decodeText(bytes, `a/b; charset=${label}`)).toBe(`${'\u4e2d'.repeat(100)}\u3400\u{20000}\u20ac`)
  }
})

it.each([
  ['iso-8859-16', 'a1 a2 a4', '\u0104\u0105\u20ac'],
  ['macintosh', '8e db d2', '\u00e9\u20ac\u201c'],
  ['x-mac-cyrillic', '80 df', '\u0410\u044f'],
  ['ibm866', '80 e0', '\u0410\u0440'],
  ['cp437', '82 e1', '\u00e9\u00df'],
  ['cp874', 'a1 80', '\u0e01\u20ac'],
  ['iso-8859-8-i', 'e0 fa', '\u05d0\u05ea'],
  ['viscii', 'e1 d5', '\u00e1\u1ea1'],
])('knows the rarer %s', (label, hex, text) => {
  expect(decodeText(Buffer.from(hex.replaceAll(' ', ''), 'hex'), `a/b; charset=${label}`)).toBe(text)
})

it('takes no wrapping of bytes for a charset', () => {
  for (const label of ['base64', 'hex', 'binary', 'utf-7', 'utf-7-imap', 'cesu-8', 'ucs-2', '__proto__', 'constructor']) {
    expect([label, decodeText(latin1('<a>caf\xe9 +ADw- \x93'), `a/b; charset=${label}`)]).toEqual([
      label,
      '<a>caf\u00e9 +ADw- \u201c',
    ])
  }
})

it('makes U+FFFD of the five bytes that Windows-1252 does not assign', () => {
  expect(decodeText(latin1('<a>a\x81b\x8dc\x8fd\x90e\x9df \xe9t\xe9 fini</a>'), 'a/b; charset=windows-1252')).toBe(
    '<a>a\uFFFDb\uFFFDc\uFFFDd\uFFFDe\uFFFDf \u00e9t\u00e9 fini</a>',
  )
})

it.each([
  'gbk',
  'big5',
  'euc-kr',
  'euc-jp',
  'shift_jis',
])('keeps what is before a character that the end cuts in two, in %s', label => {
  const { text, base64 } = CHARSET_SAMPLES.find(sample => sample.label === label) as CharsetSample
  const bytes = Buffer.from(base64, 'base64')
  const read = decodeText(bytes.subarray(0, -1), `a/b; charset=${label}`)
  expect(read).toBe(`${text.slice(0, -1)}\uFFFD`)
})

it('keeps what is before a character that the end cuts in two, in UTF-16 and UTF-32', () => {
  const text = '\uFEFF<a>\u65e5\u672c'
  for (const bytes of [utf16le(text), utf16be(text), utf32(text, 'le'), utf32(text, 'be')]) {
    expect(decodeText(bytes.subarray(0, -1), null)).toMatch(/^<a>\u65e5\uFFFD?$/)
  }
})

it('makes U+FFFD of halves of pairs, and of what GB 18030 has beyond Unicode', () => {
  const half = Buffer.concat([Buffer.from('fffe', 'hex'), utf16le('<a>\uD83D</a>\uDE00')])
  expect(decodeText(half, null)).toBe('<a>\uFFFD</a>\uFFFD')
  const beyond = Buffer.from(`${'d6d0'.repeat(50)}fe39fe39`, 'hex')
  expect(decodeText(beyond, 'a/b; charset=gb18030')).toMatch(/^\u4e2d{50}\uFFFD+$/)
})

it('loses no markup after half a Korean character', () => {
  const bytes = feedOf(Buffer.from(`${'b0a1'.repeat(30)}b0`, 'hex'))
  expect(decodeText(bytes, 'a/b; charset=euc-kr')).toContain(`<title>${'\uac00'.repeat(30)}\uFFFD</title>`)
})
