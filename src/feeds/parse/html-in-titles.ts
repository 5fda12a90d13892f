/** Elements that a browser knows, and that of a formula or a picture: in a title their tags are markup. */
const HTML_ELEMENTS = new Set(
  (
    'a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote body br button canvas caption center ' +
    'cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed fieldset figcaption figure font footer form frame frameset ' +
    'h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img input ins isindex kbd label legend li link main map mark marquee math menu meta meter ' +
    'nav nobr noembed noframes noscript object ol optgroup option output p param picture plaintext pre progress q rp rt ruby s samp script search ' +
    'section select slot small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th thead time title tr ' +
    'track tt u ul var video wbr xmp'
  ).split(' '),
)

const CLOSING_TAG = /<\/[a-z][\w:-]*\s*>/i
const REFERENCE = /&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z][a-z\d]{1,40});/i
const TAG_START = /<(?=([a-z][^\s/<>]*))/gi

/** True for a text that can only have been meant as HTML: a tag is closed in it, or a character written as a reference. */
export function isSurelyHtml(text: string): boolean {
  return CLOSING_TAG.test(text) || REFERENCE.test(text)
}

/** The HTML of a title with a `<` escaped that begins no tag anyone meant: `Vec<T>` is of no element of HTML, and closed nowhere. */
export function escapeUnknownTags(html: string): string {
  if (!html.includes('<')) return html
  const closed = new Set(Array.from(html.matchAll(/<\/([a-z][^\s/<>]*)/gi), ([, name = '']) => name.toLowerCase()))
  return html.replace(TAG_START, (start: string, written: string) => {
    const name = written.toLowerCase()
    return HTML_ELEMENTS.has(name) || closed.has(name) ? start : '&lt;'
  })
}
