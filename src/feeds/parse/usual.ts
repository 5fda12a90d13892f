import { fieldSpelling, isOddPrefix } from './namespaces.js'
import type { Opening } from './opening.js'

/** Of more, rss-parser takes more time than the tolerant reader, by a third and more, and memory without a bound: it keeps every element. */
const MAX_STRICT_CHARS = 40_000

const ROOT = /^(?:rss|feed|rdf:RDF)$/
/**
 * A tag with a capital in its name, a declaration inside the root (for which the strict reader takes time squared), a declared namespace, a reference to
 * what HTML reads as a character of Windows-1252.
 */
const SUSPECT =
  /<(?:[a-z:]*[A-Z][\w:]*|!(?!--|\[CDATA\[))|xmlns(?::[\w.-]+)?\s*=\s*(?:"[^"<]*"|'[^'<]*')|&#(?:0*(?:12[89]|1[34]\d|15\d)|[xX]0*[89][\da-fA-F]);/g

/**
 * False for what the strict reader refuses or takes for something else: other names than the usual ones, wherever they are declared, XHTML, characters
 * that XML means otherwise than publishers, very long documents. What stands in a CDATA section only is suspected as well: both readers read it alike.
 */
export function isUsual(opening: Opening, text: string): boolean {
  if (text.length > MAX_STRICT_CHARS || !ROOT.test(opening.root)) return false
  if (text.includes('type="xhtml"') || text.includes("type='xhtml'")) return false
  SUSPECT.lastIndex = opening.start
  for (let found = SUSPECT.exec(text); found !== null; found = SUSPECT.exec(text)) {
    if (isOdd(found[0], found.index < opening.end, opening)) return false
  }
  return true
}

function isOdd(suspect: string, isInRoot: boolean, { format }: Opening): boolean {
  if (suspect.startsWith('&') || suspect === '<!') return true
  if (suspect.startsWith('<')) {
    const name = suspect.slice(1)
    const usual = fieldSpelling(name)
    return usual !== null && usual !== name
  }
  const [declaration = '', uri = ''] = suspect.split(/=\s*["']/)
  const prefix = declaration.trim().slice('xmlns:'.length)
  // The default of the root is the format's own, whatever publishers declare there.
  return !(isInRoot && prefix === '') && isOddPrefix(prefix, uri.slice(0, -1), format)
}
