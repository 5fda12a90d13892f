import sanitizeHtml, { type IOptions } from 'sanitize-html'
import { MAX_NESTING, NestingTokenizer } from './sanitise-nesting.js'
import { BREAKS_WORDS, LEFT_OUT, VOID, WRITTEN, WRITTEN_ATTRIBUTES } from './sanitise-policy.js'
import { decodeReferences, withoutControls } from './sanitise-references.js'
import { type MarkupReader, scanMarkup } from './sanitise-scan.js'
import { SafeTags } from './sanitise-tags.js'

/** The types do not know that an attribute may be empty. */
const OPTIONS: IOptions & { readonly allowedEmptyAttributes: string[] } = {
  allowedTags: WRITTEN,
  allowedAttributes: WRITTEN_ATTRIBUTES,
  allowedSchemes: ['http', 'https'],
  allowedSchemesByTag: { a: ['http', 'https', 'mailto'] },
  allowedSchemesAppliedToAttributes: ['href', 'src', 'poster'],
  allowProtocolRelative: false,
  allowedEmptyAttributes: ['alt', 'controls'],
  selfClosing: [...VOID],
  nonTextTags: [...LEFT_OUT],
  // The tokenizer stops before it; void elements and frames that become links count here as well.
  nestingLimit: MAX_NESTING + 2,
  parseStyleAttributes: false,
}

/** Whose content is no words of the title they stand in. */
const WORDLESS = new Set([
  'script',
  'style',
  'iframe',
  'noscript',
  'noframes',
  'noembed',
  'template',
  'svg',
  'textarea',
  'option',
  'xmp',
])

/**
 * The space of no width and the byte order mark; and those that turn the direction of the text that follows, even of the page's own words
 * behind a title (U+202A to 202E, U+2066 to 2069). The marks of direction and the joiners of emoji and scripts stay.
 */
const UNSEEN = /[\u200b\u202a-\u202e\u2066-\u2069\ufeff]/g

/**
 * Safe HTML: only elements of text, links that pass on nothing, images, and players that wait to be started. Every URL is absolute http or https (a link's
 * may be mailto), resolved against `base`. The same again when it is sanitised again.
 */
export function sanitise(html: string, base: string): string {
  if (!/[<>&\0]/.test(html)) return html.trim()
  const text = html.includes('\0') ? withoutControls(html) : html
  if (!text.includes('<')) return escapeHtml(decodeReferences(text, 'text')).trim()
  const tags = new SafeTags(base)
  // Its types bring another htmlparser2, whose tokenizer is another class to the compiler.
  const parser = { Tokenizer: NestingTokenizer as never, nesting: { html: text, tags } }
  return sanitizeHtml(text, { ...OPTIONS, parser, transformTags: { iframe: tags.frame, '*': tags.transform } }).trim()
}

/** HTML as one line of plain text: tags gone, references decoded once. It is text, not HTML: `&lt;b&gt;` gives `<b>`. */
export function plainText(html: string): string {
  return singleLine(/[<&]/.test(html) ? textOf(html) : html)
}

/** The text without control characters and what is not seen, its white space folded. */
export function singleLine(text: string): string {
  return withoutControls(text).replace(UNSEEN, '').replace(/\s+/g, ' ').trim()
}

/** For text between tags; a value in quotes needs them escaped as well. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function textOf(html: string): string {
  let text = ''
  const breakAt = (name: string) => {
    if (BREAKS_WORDS.has(name)) text += ' '
  }
  const reader: MarkupReader = {
    text: raw => {
      text += decodeReferences(raw, 'text')
    },
    wanted: () => null,
    open: name => {
      breakAt(name)
      return WORDLESS.has(name) ? 'skip' : 'read'
    },
    close: breakAt,
  }
  scanMarkup(html, reader, 'text')
  return text
}
