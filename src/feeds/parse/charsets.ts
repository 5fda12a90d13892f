import { TextDecoder, toUSVString } from 'node:util'
import iconv from 'iconv-lite'

/** UTF-8 for its speed; the rest iconv-lite does not know, or, for the Macintosh, only as it was before it had the euro. */
const READ_BY_PLATFORM = new Set(['utf-8', 'iso-2022-jp', 'macintosh', 'x-mac-cyrillic'])

/** What iconv-lite knows that is no charset of a feed: wrappings of bytes, and Unicode by names that `charsetNamed` settles itself. */
const NO_CHARSET = /^(?:base64|hex|binary|ascii8bit|cesu|ucs|unicode|utf)/

/** Spellings that the WHATWG encoding standard does not know, by its names; `-` and `_` are taken out before they are looked up. */
const SPELLINGS = new Map(
  Object.entries({
    ansi: 'windows-1252',
    big5hkscs2004: 'big5',
    cp932: 'shift_jis',
    cp936: 'gbk',
    cp949: 'euc-kr',
    cp950: 'big5',
    eucjp: 'euc-jp',
    euckr: 'euc-kr',
    gb231280: 'gbk',
    ms932: 'shift_jis',
    ms936: 'gbk',
    ms949: 'euc-kr',
    ms950: 'big5',
    shiftjisx0213: 'shift_jis',
    uhc: 'euc-kr',
    utf8mb4: 'utf-8',
    windows31j: 'shift_jis',
    windows932: 'shift_jis',
    windows936: 'gbk',
    xgb18030: 'gb18030',
  }),
)

export interface Charset {
  /** As the WHATWG encoding standard names it; `utf-32le`, `utf-32be` and other charsets that it leaves out, as iconv-lite does. */
  readonly name: string
  /** Never throws: what is no character of this charset becomes U+FFFD. A byte order mark is dropped. */
  decode(bytes: Buffer): string
}

/** The charset that a label means, in any case and with the usual misspellings; null when nobody knows it. */
export function charsetNamed(label: string): Charset | null {
  const bare = label.toLowerCase().replace(/[^a-z0-9:_.-]+/g, '')
  if (bare === '') return null
  const utf32 = /^utf[_-]?32(le|be)?$/.exec(bare)
  if (utf32 !== null) return charsetOf(utf32[1] === 'be' ? 'utf-32be' : 'utf-32le')
  const spellings = spellingsOf(bare)
  for (const spelling of spellings) {
    const name = standardNameOf(spelling)
    if (name !== null) return charsetOf(name)
  }
  const name = spellings.find(isKnownToIconv)
  return name === undefined ? null : charsetOf(name)
}

function charsetOf(name: string): Charset {
  if (READ_BY_PLATFORM.has(name)) return { name, decode: bytes => new TextDecoder(name).decode(bytes) }
  // As the WHATWG standard has it: what calls itself GBK, or GB 2312, may hold the four-byte characters of its successor.
  const encoding = name === 'gbk' ? 'gb18030' : name
  // iconv-lite lets halves of surrogate pairs through, which no XML may hold and no UTF-8 can store.
  return { name, decode: bytes => toUSVString(iconv.decode(bytes, encoding)) }
}

function spellingsOf(bare: string): string[] {
  const glued = bare.replaceAll(/[_-]/g, '')
  const windows = /^(?:x?cp|win|windows|ms|msansi|xwindows)(125\d)$/.exec(glued)?.[1]
  const iso = /^(?:iso|isoir)?8859(\d{1,2})(?::\d{4})?[ei]?$/.exec(glued)?.[1]
  const latin = /^(?:iso)?latin(\d{1,2})$/.exec(glued)?.[1]
  return [
    bare,
    SPELLINGS.get(glued) ?? glued,
    ...(windows === undefined ? [] : [`windows-${windows}`]),
    ...(iso === undefined ? [] : [`iso-8859-${iso}`]),
    ...(latin === undefined ? [] : [`latin${latin}`]),
    ...(/^utf16/.test(glued) ? [glued.replace('utf16', 'utf-16')] : []),
  ]
}

/** Null for a label that the WHATWG encoding standard, which says what publishers mean by a label, does not know. */
function standardNameOf(label: string): string | null {
  try {
    return new TextDecoder(label).encoding
  } catch {
    return null
  }
}

function isKnownToIconv(label: string): boolean {
  return !NO_CHARSET.test(label.replaceAll(/[^a-z0-9]/g, '')) && iconv.encodingExists(label)
}
