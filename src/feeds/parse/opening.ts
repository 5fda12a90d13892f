import { Failure } from '../../kernel/errors.js'
import type { FeedFormat } from '../document.js'
import { declaredEntities, doctypeEnd } from './doctype.js'
import type { DeclaredEntities } from './entities.js'
import { attributesOf, type Markup, markupOf } from './markup.js'
import { placeOf } from './position.js'

export interface Opening {
  /** Name of the root element, as written. */
  readonly root: string
  /** Where the root element begins. */
  readonly start: number
  /** The position after the tag of the root element. */
  readonly end: number
  /** Where the document that a strict reader is given begins: at its prolog unless a DOCTYPE or anything else is between that and the root. */
  readonly prolog: number
  /** The attributes of the root element, as written. */
  readonly attributes: ReadonlyMap<string, string>
  /** Null for a root that no feed has. */
  readonly format: FeedFormat | null
  /** What the DOCTYPE defines. */
  readonly entities: DeclaredEntities
}

const FEED_ROOT = /<(?:[\w.-]+:)?(?:rss|feed|rdf)(?=[\s>/])/i

/**
 * Finds the root element. Before it may stand a prolog, a DOCTYPE, and what servers put there: warnings, HTML.
 * @throws {Failure} FEED_NOT_A_FEED for HTML and for text, FEED_UNREADABLE for markup without an element
 */
export function openingOf(text: string): Opening {
  const first = text.search(/<(?:\?xml\b|!--|!DOCTYPE\b|[a-z_])/i)
  if (first < 0) throw new Failure('FEED_NOT_A_FEED', 'neither XML nor JSON from line 1, column 1 on, so no feed')
  const doctypeAt = afterAsides(text, first)
  const doctype = /^<!DOCTYPE\s/i.test(text.slice(doctypeAt, doctypeAt + 10))
    ? text.slice(doctypeAt, doctypeEnd(text, doctypeAt))
    : ''
  const tag = tagAt(text, afterAsides(text, doctypeAt + doctype.length))
  const isPage =
    /^(?:html|head|body)$/i.test(tag?.name ?? '') || (/^<!DOCTYPE\s+html/i.test(doctype) && formatOf(tag?.name ?? '') === null)
  if (isPage) throw new Failure('FEED_NOT_A_FEED', 'an HTML page, not a feed')
  if (tag !== null && formatOf(tag.name) !== null) return opened(tag, doctype, doctype === '' ? first : tag.start)
  const behind = text.slice(first).search(FEED_ROOT)
  const hidden = behind < 0 ? null : tagAt(text, first + behind)
  if (hidden !== null) return opened(hidden, doctype, hidden.start)
  if (tag === null) throw new Failure('FEED_UNREADABLE', `what looks like markup at ${placeOf(text, first)} has no root element`)
  return opened(tag, doctype, tag.start)
}

/** Whether a tag that feeds begin with is anywhere in the text. */
export function hasFeedRoot(text: string): boolean {
  return FEED_ROOT.test(text)
}

type OpenTag = Markup & { kind: 'open' }

function opened(tag: OpenTag, doctype: string, prolog: number): Opening {
  const { name, start, end } = tag
  return {
    root: name,
    start,
    end,
    prolog,
    attributes: attributesOf(tag.attributes),
    format: formatOf(name),
    entities: declaredEntities(doctype),
  }
}

function tagAt(text: string, at: number): OpenTag | null {
  const [part] = markupOf(text, at)
  return part?.kind === 'open' ? part : null
}

function formatOf(root: string): FeedFormat | null {
  const local = root.slice(root.indexOf(':') + 1).toLowerCase()
  if (local === 'feed') return 'atom'
  if (local === 'rdf') return 'rdf'
  return local === 'rss' || local === 'channel' ? 'rss' : null
}

/** The position after white space, comments and processing instructions. */
function afterAsides(text: string, from: number): number {
  let at = from
  for (;;) {
    while (/\s/.test(text.charAt(at))) at++
    const end = text.startsWith('<?', at) ? '?>' : text.startsWith('<!--', at) ? '-->' : null
    if (end === null) return at
    const endsAt = text.indexOf(end, at)
    if (endsAt < 0) return text.length
    at = endsAt + end.length
  }
}
