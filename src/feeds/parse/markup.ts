/** One part of a document, from `start` to before `end`. Names are as written, attributes are the text between the name and the end of the tag. */
export type Markup = { readonly start: number; readonly end: number } & (
  | { readonly kind: 'text' | 'cdata'; readonly text: string }
  | { readonly kind: 'open'; readonly name: string; readonly attributes: string; readonly isEmpty: boolean }
  | { readonly kind: 'close'; readonly name: string }
  /** A `<` that begins no tag. */
  | { readonly kind: 'stray' }
  | { readonly kind: 'aside' }
  /** The beginning of what never ends. What follows is read as if it were not there. */
  | { readonly kind: 'unclosed'; readonly what: string }
)

const BEYOND_ASCII = '\\u00C0-\\u1FFF\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uDFFF\\uF900-\\uFDCF\\uFDF0-\\uFFFD'
const NAME = `[a-zA-Z_${BEYOND_ASCII}][\\w.:${BEYOND_ASCII}-]*`
const OPEN = new RegExp(`<(${NAME})(?=[\\s/>])`, 'y')
const CLOSE = new RegExp(`</(${NAME})\\s*>`, 'y')
const QUOTE = /\s*(["'])/y
const TAG = /<[a-zA-Z/!?]/
const MAX_ATTRIBUTES = 100
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map()
const BOUNDARY = /[<>=]/g
/** The value may be missing, so that a name is never tried again from its middle. */
const ATTRIBUTE = /([^\s<>/="']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/g

/**
 * The parts of an XML document, one after another, whatever is wrong with it: what is no markup is text. Takes time in proportion to the length of the text.
 */
export function* markupOf(text: string, from: number): Generator<Markup, void, undefined> {
  const absent = new Set<string>()
  let at = from
  while (at < text.length) {
    const open = text.indexOf('<', at)
    const end = open < 0 ? text.length : open
    if (end > at) yield { kind: 'text', start: at, end, text: text.slice(at, end) }
    if (open < 0) return
    const part = partAt(text, open, absent)
    yield part
    at = part.end
  }
}

/** The attributes in the text of a tag, as written; the first of a name counts, and no more than 100 of one tag. */
export function attributesOf(text: string): ReadonlyMap<string, string> {
  if (text === '') return NO_ATTRIBUTES
  const attributes = new Map<string, string>()
  for (const [, name = '', double, single, bare] of text.matchAll(ATTRIBUTE)) {
    if (attributes.size >= MAX_ATTRIBUTES) break
    if (!attributes.has(name)) attributes.set(name, double ?? single ?? bare ?? '')
  }
  return attributes
}

function partAt(text: string, start: number, absent: Set<string>): Markup {
  const next = text.charCodeAt(start + 1)
  if (next === 0x21) {
    if (text.startsWith('<![CDATA[', start)) return enclosed(text, start, 9, ']]>', 'CDATA section', absent)
    if (text.startsWith('<!--', start)) return enclosed(text, start, 4, '-->', 'comment', absent)
    return enclosed(text, start, 2, '>', 'declaration', absent)
  }
  if (next === 0x3f) return enclosed(text, start, 2, '>', 'processing instruction', absent)
  if (next === 0x2f) {
    CLOSE.lastIndex = start
    const name = CLOSE.exec(text)?.[1]
    return name === undefined ? stray(start) : { kind: 'close', start, end: CLOSE.lastIndex, name }
  }
  OPEN.lastIndex = start
  const name = OPEN.exec(text)?.[1]
  return name === undefined ? stray(start) : tagAt(text, start, name)
}

function tagAt(text: string, start: number, name: string): Markup {
  const from = start + 1 + name.length
  const close = tagEnd(text, from)
  if (close < 0) return stray(start)
  const isEmpty = text.charCodeAt(close - 1) === 0x2f
  return { kind: 'open', start, end: close + 1, name, attributes: text.slice(from, isEmpty ? close - 1 : close), isEmpty }
}

/** The position of the `>` that ends a tag; -1 when another tag or the end comes first. */
function tagEnd(text: string, from: number): number {
  if (text.charCodeAt(from) === 0x3e) return from
  BOUNDARY.lastIndex = from
  for (let found = BOUNDARY.exec(text); found !== null; found = BOUNDARY.exec(text)) {
    if (found[0] === '>') return found.index
    if (found[0] === '<') return -1
    BOUNDARY.lastIndex = valueEnd(text, BOUNDARY.lastIndex)
  }
  return -1
}

/** The position after a quoted value; `from` itself when none begins there, or its quotes are not a pair: a tag stands between them. */
function valueEnd(text: string, from: number): number {
  QUOTE.lastIndex = from
  const quote = QUOTE.exec(text)?.[1]
  if (quote === undefined) return from
  const start = QUOTE.lastIndex
  const close = text.indexOf(quote, start)
  return close < 0 || TAG.test(text.slice(start, close)) ? from : close + 1
}

/** What is known to be absent is not searched again: many openings would take time squared. */
function enclosed(text: string, start: number, opening: number, closing: string, what: string, absent: Set<string>): Markup {
  const close = absent.has(closing) ? -1 : text.indexOf(closing, start + opening)
  if (close < 0) {
    absent.add(closing)
    return { kind: 'unclosed', start, end: start + opening, what }
  }
  const end = close + closing.length
  return closing === ']]>'
    ? { kind: 'cdata', start, end, text: text.slice(start + opening, close) }
    : { kind: 'aside', start, end }
}

function stray(start: number): Markup {
  return { kind: 'stray', start, end: start + 1 }
}
