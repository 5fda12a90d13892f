import { fileTypeFromBuffer } from 'file-type'

/** Bytes from the start of a file that tell its type. */
export const HEAD_BYTES = 4_100

/** What bytes are, whatever anybody says of them. */
export interface SniffedType {
  /** MIME type. */
  readonly type: string
  /** Of a name, without a dot. */
  readonly extension: string
}

const SVG: SniffedType = { type: 'image/svg+xml', extension: 'svg' }
const HTML: SniffedType = { type: 'text/html', extension: 'html' }
const XML: SniffedType = { type: 'application/xml', extension: 'xml' }
/** What may stand before the first element: a mark of the encoding, space, a declaration, comments, a doctype with or without a subset. */
const BEFORE_ELEMENT = /^\ufeff?(?:\s+|<\?[^>]*>|<!--[\s\S]*?-->|<!doctype(?:[^>[]|\[[^\]]*\])*>)*/i
const FIRST_ELEMENT = /^<(?:[\w.-]+:)?([a-z][\w.-]*)/i

/** What text begins with that is no UTF-8; the first is a sign of sound, too, to who does not look further. */
const WIDE_MARKS = [
  { mark: [0xff, 0xfe], encoding: 'utf-16le' },
  { mark: [0xfe, 0xff], encoding: 'utf-16be' },
] as const

/** `head`: the first `HEAD_BYTES` of a file, or all of it. Null for what is not known, plain text included. */
export async function sniff(head: Uint8Array): Promise<SniffedType | null> {
  const wide = WIDE_MARKS.find(({ mark }) => mark.every((byte, at) => head[at] === byte))
  const text = new TextDecoder(wide?.encoding).decode(head)
  if (/^\ufeff?\s*</.test(text)) return markupIn(text)
  if (wide !== undefined) return null
  try {
    const found = await fileTypeFromBuffer(head)
    return found === undefined ? null : { type: found.mime, extension: found.ext.replaceAll(/[^a-z0-9]/g, '') }
  } catch {
    // It reads as far as a format leads it, and some lead nowhere.
    return null
  }
}

function markupIn(text: string): SniffedType {
  const before = BEFORE_ELEMENT.exec(text)?.[0] ?? ''
  const element = FIRST_ELEMENT.exec(text.slice(before.length))?.[1]?.toLowerCase()
  if (element === 'svg') return SVG
  return element !== undefined && /^\ufeff?\s*<\?xml/.test(text) && element !== 'html' ? XML : HTML
}
