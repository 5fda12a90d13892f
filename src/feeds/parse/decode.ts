import { isAscii, isUtf8 } from 'node:buffer'
import { type Charset, charsetNamed } from './charsets.js'
import { fits, type Sample, sampleOf, sniff } from './sniff.js'
import { utf8Tally } from './utf8-tally.js'

/** How many bytes are searched for an XML declaration, and for the NULs of UTF-16 and UTF-32. */
const PROLOG_BYTES = 1024
const MULTI_BYTE = new Set(['gbk', 'gb18030', 'big5', 'euc-kr', 'euc-jp', 'shift_jis'])
/** So much more of it must be well-formed before text that is declared as something else counts as UTF-8 with damage. */
const UTF8_OVER_DECLARED = 4

/**
 * The text of a document; never throws. A byte order mark decides, or the NULs of UTF-16 and UTF-32; then bytes that are valid UTF-8 are UTF-8
 * whatever is declared, since declarations lie more often than bytes; then the charset of the Content-Type, then of the XML declaration, unless
 * the bytes refute it; then what the bytes look like; then Windows-1252, which reads any bytes. What cannot be read becomes U+FFFD.
 */
export function decodeText(body: Uint8Array, contentType: string | null): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const wide = wideCharsetOf(bytes)
  if (wide !== null) return wide.decode(bytes)
  const charset = narrowCharsetOf(bytes, contentType)
  return charset.decode(hasUtf8Mark(bytes) ? bytes.subarray(3) : bytes)
}

function hasUtf8Mark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

function narrowCharsetOf(bytes: Buffer, contentType: string | null): Charset {
  const utf8 = named('utf-8')
  if (isUtf8(bytes)) return isIso2022(bytes) ? named('iso-2022-jp') : utf8
  const declared = declaredCharsets(bytes, contentType)
  const { valid, invalid } = utf8Tally(bytes)
  const isClaimed = hasUtf8Mark(bytes) || declared.length === 0 || declared.some(({ name }) => name === 'utf-8')
  if (isClaimed ? valid >= invalid : valid > 0 && valid >= invalid * UTF8_OVER_DECLARED) return utf8
  const sample = sampleOf(bytes)
  const sniffed = lazily(() => sniff(sample))
  const believed = declared.find(charset => charset.name !== 'utf-8' && !isRefuted(charset, sample, sniffed))
  return believed ?? sniffed() ?? named('windows-1252')
}

/** ISO-2022-JP is made of ASCII bytes only: nothing but its escapes, which no feed may hold otherwise, tells it. */
function isIso2022(bytes: Buffer): boolean {
  return (bytes.includes('\x1b$B') || bytes.includes('\x1b$@')) && bytes.includes('\x1b(') && isAscii(bytes)
}

function isRefuted(charset: Charset, sample: Sample, sniffed: () => Charset | null): boolean {
  if (MULTI_BYTE.has(charset.name)) return !fits(charset, sample.bytes)
  // The default label of servers and templates, over text that is of no Latin script.
  return charset.name === 'windows-1252' && sample.isDense && sniffed() !== null
}

/** Those of the Content-Type and the XML declaration that can be true of these bytes, the likelier one first. */
function declaredCharsets(bytes: Buffer, contentType: string | null): Charset[] {
  const known = [charsetOf(contentType), prologEncodingOf(bytes)].flatMap(
    label => (label === null ? null : charsetNamed(label)) ?? [],
  )
  const narrow = known.filter(({ name }) => !name.startsWith('utf-16') && !name.startsWith('utf-32'))
  // Latin-1 is what servers add to everything; an author who wrote another charset into the document meant it.
  return narrow[0]?.name === 'windows-1252' ? narrow.toReversed() : narrow
}

/** UTF-16 and UTF-32 by their byte order mark, else by where the NULs beside ASCII characters are. The decoders drop the mark. */
function wideCharsetOf(bytes: Buffer): Charset | null {
  const mark = bytes.toString('latin1', 0, 4)
  if (mark === '\xff\xfe\0\0') return named('utf-32le')
  if (mark === '\0\0\xfe\xff') return named('utf-32be')
  if (mark.startsWith('\xff\xfe')) return named('utf-16le')
  if (mark.startsWith('\xfe\xff')) return named('utf-16be')
  const start = bytes.subarray(0, PROLOG_BYTES)
  const nuls = [0, 0, 0, 0]
  for (let at = 0; at < start.length; at++) if (start[at] === 0) nuls[at % 4] = (nuls[at % 4] ?? 0) + 1
  return wideCharsetWith(nuls, start.length / 4)
}

/** `nuls` by their position in each four bytes. Every character of a feed is below U+10000 but a few, and many are ASCII. */
function wideCharsetWith(nuls: readonly number[], quarters: number): Charset | null {
  const [first, second, third, fourth] = nuls.map(count => count / quarters) as [number, number, number, number]
  if (quarters >= 1 && third > 0.8 && fourth > 0.9 && first < 0.1) return named('utf-32le')
  if (quarters >= 1 && first > 0.9 && second > 0.8 && fourth < 0.1) return named('utf-32be')
  const even = (first + third) / 2
  const odd = (second + fourth) / 2
  if (odd >= 0.2 && even < odd / 10) return named('utf-16le')
  return even >= 0.2 && odd < even / 10 ? named('utf-16be') : null
}

function charsetOf(contentType: string | null): string | null {
  return /charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(contentType ?? '')?.[1] ?? null
}

function prologEncodingOf(bytes: Buffer): string | null {
  const prolog = bytes.toString('latin1', 0, PROLOG_BYTES)
  return (
    /<\?xml[^>]*?\sencoding\s*=\s*(?:"([^"<>]{1,60})"|'([^'<>]{1,60})'|([\w.:-]{1,60}))/i.exec(prolog)?.slice(1).find(Boolean) ??
    null
  )
}

/** For names that are known to be known. */
function named(name: string): Charset {
  return charsetNamed(name) as Charset
}

function lazily<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
