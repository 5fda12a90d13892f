import { expect, it } from 'vitest'
import { decodeText } from '../../../src/feeds/parse/decode.js'

const utf8 = (text: string) => new TextEncoder().encode(text)
const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const utf16le = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le'))
const utf16be = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le').swap16())
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
