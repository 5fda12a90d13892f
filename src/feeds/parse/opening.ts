import { Failure } from '../../kernel/errors.js'

export interface Opening {
  /** The document from its first markup on, without its DOCTYPE but with the lines that it took. */
  readonly xml: string
  /** Name of the root element, as written. */
  readonly root: string
  /** Lines of the text before `xml`. */
  readonly linesBefore: number
}

/**
 * Finds where the XML begins: publishers' warnings may stand before it. The DOCTYPE is left out, since no entity that it defines is ever expanded
 * and readers differ in how they fail over that.
 * @throws {Failure} FEED_NOT_A_FEED for HTML and for what is no markup
 */
export function openingOf(text: string): Opening {
  const start = text.search(/<(?:\?xml\b|!--|!DOCTYPE\b|[a-z_])/i)
  if (start < 0) throw new Failure('FEED_NOT_A_FEED', 'neither XML nor JSON, so no feed')
  const doctypeAt = afterAsides(text, start)
  const doctype = matchAt(/<!DOCTYPE\s[^>[]*(?:\[[^\]]*\]\s*)?>/iy, text, doctypeAt) ?? ''
  const rootAt = afterAsides(text, doctypeAt + doctype.length)
  const root = matchAt(/<[a-z_][\w:.-]*/iy, text, rootAt)?.slice(1) ?? ''
  if (/^(?:html|head|body)$/i.test(root) || /^<!DOCTYPE\s+html/i.test(doctype))
    throw new Failure('FEED_NOT_A_FEED', 'an HTML page, not a feed')
  if (root === '') throw new Failure('FEED_NOT_A_FEED', 'markup without a root element, so no feed')
  const xml = text.slice(start, doctypeAt) + '\n'.repeat(linesIn(doctype)) + text.slice(doctypeAt + doctype.length)
  return { xml, root, linesBefore: linesIn(text.slice(0, start)) }
}

/** The position after white space, comments and processing instructions. */
function afterAsides(text: string, from: number): number {
  let at = from
  for (;;) {
    at += matchAt(/\s+/y, text, at)?.length ?? 0
    const end = text.startsWith('<?', at) ? '?>' : text.startsWith('<!--', at) ? '-->' : null
    if (end === null) return at
    const endsAt = text.indexOf(end, at)
    if (endsAt < 0) return text.length
    at = endsAt + end.length
  }
}

/** What the sticky pattern matches at that position; null when it does not. */
function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0] ?? null
}

function linesIn(text: string): number {
  return text.split('\n').length - 1
}
