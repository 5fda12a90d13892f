/** Elements that have elements of their own, by canonical names; all others are read as text, with what markup they hold. */
export const CONTAINERS = new Set(
  (
    'rss channel feed rdf:RDF item entry author contributor source image textInput skipHours skipDays items rdf:Seq media:group media:content ' +
    'atom:author atom:contributor atom:source atom:entry itunes:owner'
  ).split(' '),
)

/** Containers whose end also ends what was left open inside them. */
export const FRAMES = new Set('rss channel feed rdf:RDF item entry'.split(' '))

/** Elements of an entry that no HTML element is called as: where one begins, the text before it has ended. */
export const ENTRY_FIELDS = new Set(
  'guid pubDate description category enclosure comments content:encoded dc:creator dc:date dc:subject updated published author id'.split(
    ' ',
  ),
)

/** Elements whose text is a few words, so that those of `HEADINGS_END` inside them are not HTML. */
export const HEADINGS = new Set('title link guid pubDate id updated published category dc:date dc:creator dc:subject'.split(' '))
export const HEADINGS_END = new Set([...ENTRY_FIELDS, 'link', 'title', 'content', 'summary'])

/** HTML elements without content. */
export const VOID_ELEMENTS = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '))
