import { escapeHtml } from './sanitise.js'
import { decodeReferences } from './sanitise-references.js'

/** Of XML itself; a DOCTYPE cannot change them. */
const PREDEFINED = new Set(['amp', 'lt', 'gt', 'quot', 'apos'])

const REFERENCE = /&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|([a-zA-Z_][\w.-]{0,60}));/g
const MAX_REFERENCE_CHARS = 64
/** `replace` holds all its matches at once: a hundred bytes for each. */
const MAX_PIECE_CHARS = 65_536
const FORBIDDEN = /^(?:[\f\uFFFD]|(?![\t\n\r])\p{Cc})$/u

/** What the names stand for that a DOCTYPE declares; undefined for any other name. */
export type DeclaredEntities = (name: string) => string | undefined

/**
 * The text of an XML document with its references expanded: by number, by the names that are declared, and by those of HTML, which publishers use without
 * declaring them. What is no reference stays as it is, a bare `&` as well; references to characters that XML forbids go.
 */
export function expandReferences(text: string, declared: DeclaredEntities): string {
  if (!text.includes('&')) return text
  if (text.length <= MAX_PIECE_CHARS) return expandPiece(text, declared)
  let expanded = ''
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = start + MAX_PIECE_CHARS
    const reference = text.lastIndexOf('&', end)
    if (reference > end - MAX_REFERENCE_CHARS) end = reference
    expanded += expandPiece(text.slice(start, end), declared)
  }
  return expanded
}

function expandPiece(text: string, declared: DeclaredEntities): string {
  return text.replace(REFERENCE, (reference: string, name?: string) => {
    if (name === undefined) return decodeReferences(reference, 'text').replace(FORBIDDEN, '')
    const value = PREDEFINED.has(name) ? undefined : declared(name)
    // As in an attribute: there, HTML makes nothing of a name that only begins with one that it knows.
    return value ?? decodeReferences(reference, 'attribute')
  })
}

/** The value of an attribute, ready to stand between double quotes. */
export function escapeAttribute(text: string): string {
  return escapeHtml(text).replaceAll('"', '&quot;')
}
