import { decodeHTML, decodeHTMLAttribute } from 'entities/decode'

/** All but white space, what is printed of ASCII, and what is behind U+009F. */
const CONTROL = /[^\t-\r -~\u00a0-\uffff]/g

/**
 * The text with its character references decoded, once, as a browser decodes them. A name that HTML does not know stays as it is; control characters
 * vanish, however they are written.
 */
export function decodeReferences(text: string, place: 'text' | 'attribute'): string {
  return withoutControls(!text.includes('&') ? text : place === 'text' ? decodeHTML(text) : decodeHTMLAttribute(text))
}

/** The text without control characters; white space is none of them. */
export function withoutControls(text: string): string {
  return text.replace(CONTROL, '')
}
