/** Bounds of what is kept of one document. Texts are counted in UTF-16 code units unless the name says bytes, and cut at a code point. */
export const MAX_POSTS = 1_000
export const MAX_TITLE_CHARS = 1_000
export const MAX_URL_CHARS = 2_000
export const MAX_AUTHOR_CHARS = 250
export const MAX_CATEGORY_CHARS = 100
export const MAX_CATEGORIES = 50
export const MAX_ENCLOSURES = 20
/** Of the content of one post as published, in UTF-8. */
export const MAX_CONTENT_BYTES = 512 * 1024
export const MAX_DESCRIPTION_CHARS = 4_000
export const MAX_LANGUAGE_CHARS = 40

/** Control characters, and the halves of characters beyond U+FFFF, lone ones among them. */
const SUSPECT = /[^\t\n\r -\uD7FF\uE000-\uFFFF]/
const CONTROL = /[^\t\n\r -\uFFFF]/g

/** The text without control characters and lone surrogates, cut to `maxChars` without cutting a character in two. */
export function bounded(text: string, maxChars: number): string {
  const cut = text.length <= maxChars ? text : text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '')
  return SUSPECT.test(cut) ? cut.replace(CONTROL, '').replace(/\p{Surrogate}/gu, '\uFFFD') : cut
}

/** The text cut to what takes `maxBytes` in UTF-8, without cutting a character in two; the text itself when it is short enough. */
export function cutToBytes(text: string, maxBytes: number): string {
  // No code unit takes more than three bytes.
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes))
  return text.slice(0, read)
}
