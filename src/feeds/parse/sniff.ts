import { analyse } from 'chardet'
import { type Charset, charsetNamed } from './charsets.js'

/** The analysis takes a third of a millisecond for so much, and in proportion for more. */
const SAMPLE_BYTES = 1024
/** How much ASCII is kept before the first other byte of a stretch of text: the words around an accent tell the language. */
const LEAD_IN_BYTES = 60
/** Bytes beyond ASCII below which nothing can be told. */
const MIN_EVIDENCE = 6
/** Share of the letters that is beyond ASCII: 3 to 10 % in Latin scripts, nearly all in others, half in Shift_JIS, whose second bytes may be ASCII. */
const DENSE_SHARE = 0.4
/** What the analysis gives everything that is merely well-formed. */
const NO_CONFIDENCE = 10
/** By how much another Latin charset must lead: Western text read as Turkish or Baltic is a worse mistake than the reverse. */
const LATIN_LEAD = 10

const MIN_SIGNS_IN_WORDS = 2
/** Letters of ISO-8859-2 that are signs in Windows-1252; a fraction does not even begin a word there. */
const EASTERN_LETTERS = /[\xa1\xa3\xa5\xa6\xa9\xab\xac\xae\xaf\xb1\xb3\xb6\xb9\xbb\xbc\xbe\xbf]/g
const EASTERN_IN_WORDS = new RegExp(
  `(?<=[a-z\\xe0-\\xff])${EASTERN_LETTERS.source}(?=[a-z\\xe0-\\xff])|[\\xbc\\xbe](?=[a-z\\xe0-\\xff])`,
  'gi',
)

const LATIN = new Set(['windows-1252', 'windows-1250', 'windows-1254', 'windows-1257', 'windows-1258', 'iso-8859-2'])

interface EverydayRows {
  readonly name: string
  /** Share of the characters that must be in the rows. */
  readonly share: number
  /** Whether these two bytes are kana, a syllable of KS X 1001, or Han of the first level. */
  isEveryday(lead: number, trail: number): boolean
}

/** Kana and Hangul tell more than Han, so they are looked for first. Rows of JIS X 0208, KS X 1001, Big5 and GB 2312. */
const EVERYDAY: readonly EverydayRows[] = [
  { name: 'euc-jp', share: 0.5, isEveryday: (lead, trail) => (lead === 0xa4 || lead === 0xa5) && trail > 0xa0 },
  { name: 'shift_jis', share: 0.5, isEveryday: (lead, trail) => (lead === 0x82 && trail > 0x9e) || lead === 0x83 },
  { name: 'euc-kr', share: 0.95, isEveryday: (lead, trail) => lead >= 0xb0 && lead <= 0xc8 && trail > 0xa0 },
  { name: 'gb18030', share: 0.8, isEveryday: (lead, trail) => lead >= 0xb0 && lead <= 0xd7 && trail > 0xa0 },
  { name: 'big5', share: 0.8, isEveryday: lead => lead >= 0xa4 && lead <= 0xc6 },
]

/** Text of a document that holds bytes beyond ASCII, without most of its markup. */
export interface Sample {
  readonly bytes: Buffer
  /** Whether most of its letters are beyond ASCII, as in every script but the Latin one. */
  readonly isDense: boolean
}

/** The stretches between tags and quotes that are not ASCII alone; none of the multi-byte charsets uses `<`, `>` and `"` inside a character. */
export function sampleOf(document: Buffer): Sample {
  const pieces: Buffer[] = []
  let size = 0
  let start = 0
  for (let at = 0; at < document.byteLength && size < SAMPLE_BYTES; at++) {
    const byte = document[at] ?? 0
    if (isDelimiter(byte)) start = at + 1
    if (byte < 0x80) continue
    const end = endOfStretch(document, at, at + SAMPLE_BYTES - size)
    const piece = document.subarray(Math.max(start, at - LEAD_IN_BYTES), end)
    pieces.push(piece, Buffer.from('\n'))
    size += piece.byteLength + 1
    at = end - 1
    start = end
  }
  const bytes = Buffer.concat(pieces)
  return { bytes, isDense: isDense(bytes) }
}

/** The charset that the sample looks like; null when it could be any. */
export function sniff({ bytes, isDense }: Sample): Charset | null {
  if (beyondAsciiIn(bytes) < MIN_EVIDENCE) return null
  const guesses = analyse(bytes).flatMap(({ name, confidence }) => {
    // KOI8-U is KOI8-R with the Ukrainian letters in the place of lines and corners.
    const charset = charsetNamed(name === 'KOI8-R' ? 'koi8-u' : name)
    return charset === null || LATIN.has(charset.name) === isDense || !fits(charset, bytes) ? [] : [{ charset, confidence }]
  })
  const [best] = guesses
  if (!isDense) {
    const western = guesses.find(guess => guess.charset.name === 'windows-1252')?.confidence ?? 0
    return byLettersOfTheEast(bytes) ?? (best !== undefined && best.confidence >= western + LATIN_LEAD ? best.charset : null)
  }
  if (best !== undefined && best.confidence > NO_CONFIDENCE) return best.charset
  return byEverydayRows(bytes) ?? best?.charset ?? byLettersOfTheEast(bytes)
}

/** Whether nearly all of the sample is characters of the charset. */
export function fits(charset: Charset, sample: Buffer): boolean {
  const text = charset.decode(sample)
  // Private use, unassigned and C1 controls: decoders give them for bytes that no writer of the charset uses.
  const wrong = text.match(/[\uFFFD\p{Co}\p{Cn}\u0080-\u009F]/gu)?.length ?? 0
  const beyondAscii = text.match(/\P{ASCII}/gu)?.length ?? 0
  return wrong * 20 <= beyondAscii
}

/**
 * For titles in Czech or Polish: signs that no Western word has in its middle (a superscript, a fraction, a quotation mark) are letters in ISO-8859-2,
 * some of them in Windows-1250, which also uses the bytes below 0xA0.
 */
function byLettersOfTheEast(bytes: Buffer): Charset | null {
  const text = bytes.toString('latin1')
  const signs = text.match(EASTERN_LETTERS)?.length ?? 0
  const inWords = text.match(EASTERN_IN_WORDS)?.length ?? 0
  if (inWords < MIN_SIGNS_IN_WORDS || inWords * 3 < signs) return null
  return charsetNamed(/[\x80-\x9f]/.test(text) ? 'windows-1250' : 'iso-8859-2')
}

/** For short titles: what chardet knows by its frequency tables needs a sentence or two. */
function byEverydayRows(bytes: Buffer): Charset | null {
  for (const rows of EVERYDAY) {
    const charset = charsetNamed(rows.name)
    if (charset !== null && shareIn(bytes, rows) >= rows.share && fits(charset, bytes)) return charset
  }
  return null
}

function shareIn(bytes: Buffer, rows: EverydayRows): number {
  let pairs = 0
  let everyday = 0
  for (let at = 0; at < bytes.byteLength; at++) {
    const lead = bytes[at] ?? 0
    if (lead < 0x80) continue
    pairs++
    if (rows.isEveryday(lead, bytes[++at] ?? 0)) everyday++
  }
  return everyday / pairs
}

function endOfStretch(document: Buffer, from: number, limit: number): number {
  let at = from
  while (at < document.byteLength && at < limit && !isDelimiter(document[at] ?? 0)) at++
  return Math.max(at, from + 1)
}

function isDelimiter(byte: number): boolean {
  return byte === 0x3c || byte === 0x3e || byte === 0x22
}

function beyondAsciiIn(bytes: Buffer): number {
  let count = 0
  for (const byte of bytes) if (byte >= 0x80) count++
  return count
}

function isDense(bytes: Buffer): boolean {
  const beyondAscii = beyondAsciiIn(bytes)
  let letters = 0
  for (const byte of bytes) if ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) letters++
  return beyondAscii >= MIN_EVIDENCE && beyondAscii > DENSE_SHARE * (beyondAscii + letters)
}
