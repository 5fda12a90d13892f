import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'

/** How many bytes are searched for an XML declaration. */
const PROLOG_BYTES = 1024

/** The characters of the bytes 0x80 to 0x9F; the five that are not assigned stay control characters, as the WHATWG standard has it. */
const WINDOWS_1252 =
  '\u20AC\x81\u201A\u0192\u201E\u2026\u2020\u2021\u02C6\u2030\u0160\u2039\u0152\x8D\u017D\x8F' +
  '\x90\u2018\u2019\u201C\u201D\u2022\u2013\u2014\u02DC\u2122\u0161\u203A\u0153\x9D\u017E\u0178'

/**
 * The text of a document. A byte order mark decides; then bytes that are valid UTF-8 are UTF-8 whatever is declared, since declarations lie
 * more often than bytes; then the charset of the Content-Type, then of the XML declaration, then Windows-1252, which reads any bytes.
 */
export function decodeText(body: Uint8Array, contentType: string | null): string {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const wide = wideEncodingOf(bytes)
  if (wide !== null) return new TextDecoder(wide).decode(bytes)
  const declared = [charsetOf(contentType), prologEncodingOf(bytes)].filter(label => label !== null)
  if (isUtf8(bytes)) {
    // ISO-2022 encodings are made of ASCII bytes only: nothing but the declaration and their escapes tells them.
    const escaped = declared.find(label => /^iso-2022-/i.test(label))
    const decoder = escaped !== undefined && bytes.includes(0x1b) ? decoderFor(escaped) : null
    return decoder?.decode(bytes) ?? new TextDecoder('utf-8').decode(bytes)
  }
  for (const label of declared) {
    const decoder = decoderFor(label)
    if (decoder === null || /^utf-16/.test(decoder.encoding)) continue
    if (decoder.encoding === 'windows-1252') break
    const text = decoder.decode(bytes)
    if (decoder.encoding !== 'utf-8' || isMostlyRead(text)) return text
  }
  return decodeWindows1252(bytes)
}

/** Not by TextDecoder: that of Node 20 reads Windows-1252 as Latin-1, which leaves control characters where quotes and dashes are meant. */
function decodeWindows1252(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[\u0080-\u009F]/g, character => WINDOWS_1252.charAt(character.charCodeAt(0) - 0x80))
}

/** UTF-16 by its byte order mark, or by the NUL beside the first `<` or `{`. A UTF-8 mark is dropped by the decoder. */
function wideEncodingOf(bytes: Buffer): 'utf-16le' | 'utf-16be' | null {
  const [first = 0, second = 0] = bytes
  const opens = (byte: number) => byte === 0x3c || byte === 0x7b
  if ((first === 0xff && second === 0xfe) || (opens(first) && second === 0 && bytes.length > 1)) return 'utf-16le'
  if ((first === 0xfe && second === 0xff) || (first === 0 && opens(second))) return 'utf-16be'
  return null
}

function charsetOf(contentType: string | null): string | null {
  return /charset\s*=\s*["']?([\w.:-]+)/i.exec(contentType ?? '')?.[1] ?? null
}

function prologEncodingOf(bytes: Buffer): string | null {
  const prolog = bytes.toString('latin1', 0, PROLOG_BYTES)
  return /<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']/i.exec(prolog)?.[1] ?? null
}

/** Null for a label that the WHATWG encoding standard does not know. */
function decoderFor(label: string): TextDecoder | null {
  try {
    return new TextDecoder(label)
  } catch {
    return null
  }
}

/** False when more characters beyond ASCII were unreadable than readable: the bytes are then another encoding's. */
function isMostlyRead(text: string): boolean {
  const unreadable = text.split('\uFFFD').length - 1
  const beyondAscii = text.match(/\P{ASCII}/gu)?.length ?? 0
  return unreadable * 2 <= beyondAscii
}
