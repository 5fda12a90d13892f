import type { Mutators } from './mutator.js'
import { ATTRIBUTES, DOCTYPES, ENTITIES, HOSTILE, PIECES } from './odd-markup.js'
import { atTag, insertAt, insideContent, span, tagIn } from './places.js'

const NAMES =
  'item entry title link guid id description content:encoded pubDate updated author category enclosure channel rss feed rdf:RDF source image media:group media:content itunes:image xml:x __proto__ a'.split(
    ' ',
  )

const NAMESPACES = [
  'http://www.w3.org/2005/Atom',
  'http://purl.org/atom/ns#',
  'http://purl.org/rss/1.0/',
  'http://my.netscape.com/rdf/simple/0.9/',
  'http://www.w3.org/1999/02/22-rdf-syntax-ns#',
  'http://www.w3.org/1999/xhtml',
  'http://purl.org/dc/elements/1.1/',
  'http://search.yahoo.com/mrss/',
  '',
]

export const MARKUP: Mutators = {
  dropTag: (text, random) => atTag(text, random, () => ''),
  doubleTag: (text, random) => atTag(text, random, tag => tag.repeat(2 + random.below(3))),
  renameTag: (text, random) => atTag(text, random, tag => tag.replace(/^(<\/?)[^\s/>]+/, `$1${random.pick(NAMES)}`)),
  renameEverywhere: (text, random) => {
    const place = tagIn(text, random)
    const name = place === null ? undefined : /^<\/?([a-z][\w:]*)/i.exec(text.slice(...place))?.[1]
    const other = random.pick(NAMES)
    return name === undefined ? text : text.replace(new RegExp(`(</?)${name}(?=[\\s/>])`, 'g'), `$1${other}`)
  },
  selfClose: (text, random) => atTag(text, random, tag => tag.replace(/\s*\/?>$/, '/>')),
  unclose: (text, random) => atTag(text, random, tag => tag.slice(0, -1)),
  upperCase: (text, random) => (random.below(4) === 0 ? text.toUpperCase() : atTag(text, random, tag => tag.toUpperCase())),
  breakQuote: (text, random) => {
    const at = text.indexOf(random.pick(['"', "'", '=', '>', '/']), random.below(text.length + 1))
    return at < 0 ? text : text.slice(0, at) + random.pick(['', "'", '"', '""', ' ', '\n']) + text.slice(at + 1)
  },
  nest: (text, random) => {
    const [from, to] = span(text, random, 2_000)
    const name = random.pick(NAMES)
    const depth = random.pick([1, 2, 50, 3_000])
    return `${text.slice(0, from)}${`<${name}>`.repeat(depth)}${text.slice(from, to)}${`</${name}>`.repeat(depth - random.below(2))}${text.slice(to)}`
  },
  nestContent: (text, random) =>
    insideContent(text, random, random.pick(['<b>', '<div><p>', '&lt;div&gt;', '<ul><li>']).repeat(random.pick([5, 300, 3_000]))),
  insertPiece: (text, random) => insertAt(text, random, random.pick(PIECES)),
  insertPieceInside: (text, random) => insideContent(text, random, random.pick(PIECES)),
  insertEntity: (text, random) => insideContent(text, random, random.pick(ENTITIES).repeat(1 + random.below(3))),
  hostile: (text, random) => insideContent(text, random, random.pick(HOSTILE)),
  hostileEscaped: (text, random) =>
    insideContent(text, random, random.pick(HOSTILE).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')),
  hostileInCdata: (text, random) => insideContent(text, random, `<![CDATA[${random.pick(HOSTILE)}]]>`),
  addAttribute: (text, random) => atTag(text, random, tag => tag.replace(/\/?>$/, end => random.pick(ATTRIBUTES) + end)),
  hugeAttribute: (text, random) =>
    atTag(text, random, tag => tag.replace(/\/?>$/, end => ` a="${'x'.repeat(random.pick([3_000, 200_000]))}"${end}`)),
  manyAttributes: (text, random) =>
    atTag(text, random, tag =>
      tag.replace(/\/?>$/, end => Array.from({ length: 1_000 }, (_, n) => ` a${n}="${n}"`).join('') + end),
    ),
  xmlBase: (text, random) =>
    atTag(text, random, tag => tag.replace(/\/?>$/, end => ` xml:base="${'../a/'.repeat(random.pick([1, 300]))}"${end}`)),
  dropNamespaces: (text, random) =>
    random.below(2) === 0 ? text.replace(/\sxmlns:\w+="[^"]*"/, '') : text.replaceAll(/\sxmlns(:\w+)?=["'][^"']*["']/g, ''),
  changeNamespace: (text, random) => text.replace(/(\sxmlns(?::\w+)?=")[^"]*"/, `$1${random.pick(NAMESPACES)}"`),
  renamePrefix: (text, random) => {
    const prefix = random.pick(['content', 'dc', 'media', 'itunes', 'rdf', 'atom', 'xhtml'])
    return text.replaceAll(`${prefix}:`, random.pick(['x:', 'a:b:', '', `${prefix.toUpperCase()}:`]))
  },
  doctype: (text, random) => {
    const at = /^(?:[\s\xEF\xBB\xBF]*<\?xml[^>]*\?>)?/.exec(text)?.[0].length ?? 0
    return (
      text.slice(0, at) +
      random.pick(DOCTYPES) +
      insideContent(text.slice(at), random, random.pick(['&e;', '&a;', '&lol9;', '&lol3;']))
    )
  },
  doctypeInside: (text, random) => insertAt(text, random, random.pick(DOCTYPES)),
  longText: (text, random) =>
    insideContent(
      text,
      random,
      random.pick(['x', '\xF0\x9F\x98\x80', '&amp;', ' ', '\n', '&nosuch;', '<br>']).repeat(random.pick([3_000, 60_000])),
    ),
}
