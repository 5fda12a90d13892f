import { deflateSync, gzipSync } from 'node:zlib'
import type { Random } from '../../../src/bench/feed-server/random.js'
import type { Mutators } from './mutator.js'
import { insertAt, span } from './places.js'

const MARKS = [
  '\xEF\xBB\xBF',
  '\xFF\xFE',
  '\xFE\xFF',
  '\xFF\xFE\0\0',
  '\0\0\xFE\xFF',
  '\x2B\x2F\x76\x38',
  '\xEF\xBB',
  '\x84\x31\x95\x33',
]

/** Overlong, surrogate, beyond Unicode, cut, continuation alone, and lead bytes of the multi-byte encodings of East Asia. */
const MALFORMED = [
  '\xC0\x80',
  '\xC1\xBF',
  '\xED\xA0\x80',
  '\xED\xB0\x80\xED\xA0\x80',
  '\xF4\x90\x80\x80',
  '\xF8\x88\x80\x80\x80',
  '\xE2\x82',
  '\xF0\x9F\x98',
  '\x80\x80\x80',
  '\x81',
  '\x8E\xA2\xA1',
  '\xFE',
  '\x1B$B',
  '\x1B(J~\x1B',
  '\xEF\xBF\xBE',
  '\xEF\xBF\xBF',
]

const CHARSETS =
  'utf-8 UTF-16 utf-32 iso-8859-1 windows-1252 windows-1251 Shift_JIS EUC-JP euc-kr GBK gb18030 Big5 KOI8-R iso-2022-jp utf-7 x-user-defined replacement none'.split(
    ' ',
  )

function wide(text: string, bytesEach: 2 | 4, little: boolean, mark: boolean): string {
  const points = Array.from((mark ? '\uFEFF' : '') + Buffer.from(text, 'latin1').toString('utf8'))
  const units = bytesEach === 4 ? points.map(point => point.codePointAt(0) ?? 0) : points.join('').split('').map(unitOf)
  const bytes = Buffer.alloc(units.length * bytesEach)
  units.forEach((unit, index) => {
    if (bytesEach === 4) little ? bytes.writeUInt32LE(unit, index * 4) : bytes.writeUInt32BE(unit, index * 4)
    else little ? bytes.writeUInt16LE(unit, index * 2) : bytes.writeUInt16BE(unit, index * 2)
  })
  return bytes.toString('latin1')
}

function unitOf(character: string): number {
  return character.charCodeAt(0)
}

function noise(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(random.below(256))).join('')
}

export const BYTES: Mutators = {
  flipBits: (text, random) => {
    const bytes = Buffer.from(text, 'latin1')
    for (let left = 1 + random.below(8); left > 0 && bytes.length > 0; left--) {
      const at = random.below(bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
    }
    return bytes.toString('latin1')
  },
  cut: (text, random) => {
    const [from, to] = span(text, random, random.pick([4, 100, 5_000]))
    return text.slice(0, from) + text.slice(to)
  },
  duplicate: (text, random) => {
    const [from, to] = span(text, random, random.pick([4, 100, 5_000]))
    return text.slice(0, to) + text.slice(from, to).repeat(1 + random.below(3)) + text.slice(to)
  },
  move: (text, random) => {
    const [from, to] = span(text, random, 500)
    return insertAt(text.slice(0, from) + text.slice(to), random, text.slice(from, to))
  },
  insertNoise: (text, random) => insertAt(text, random, noise(random, 1 + random.below(64))),
  insertNuls: (text, random) => insertAt(text, random, '\0'.repeat(1 + random.below(5))),
  insertControls: (text, random) =>
    insertAt(text, random, random.pick(['\x01', '\x08', '\x0B', '\x0C', '\x1F', '\x7F', '\x85', '\xC2\x85'])),
  insertMalformed: (text, random) => insertAt(text, random, random.pick(MALFORMED).repeat(1 + random.below(4))),
  truncate: (text, random) => text.slice(0, random.below(text.length + 1)),
  behead: (text, random) => text.slice(random.below(Math.min(400, text.length + 1))),
  mark: (text, random) => random.pick(MARKS) + text,
  utf16: (text, random) => wide(text, 2, random.below(2) === 0, random.below(3) > 0),
  utf32: (text, random) => wide(text, 4, random.below(2) === 0, random.below(3) > 0),
  latin1: text => Buffer.from(Buffer.from(text, 'latin1').toString('utf8'), 'latin1').toString('latin1'),
  declareCharset: (text, random) => {
    const declaration = `<?xml version="1.0" encoding="${random.pick(CHARSETS)}"?>`
    return /^<\?xml[^>]*\?>/.test(text) ? text.replace(/^<\?xml[^>]*\?>/, declaration) : declaration + text
  },
  gzip: (text, random) => (random.below(2) === 0 ? gzipSync : deflateSync)(Buffer.from(text, 'latin1')).toString('latin1'),
  newlines: (text, random) => text.replaceAll('\n', random.pick(['\r\n', '\r', '\xC2\x85', '\xE2\x80\xA8', ''])),
  junkBefore: (text, random) =>
    random.pick([' \n\t', 'Warning: x() in /a.php on line 3<br />\n', '<!-- x -->', '\0\0', '}', '<br>', '<?php ?>', ")]}'\n"]) +
    text,
  junkAfter: (text, random) =>
    text + random.pick(['\0', '<!-- 12 queries', '<script>x</script>', '</rss>', 'x'.repeat(50), text.slice(0, 3_000), '{}']),
}
