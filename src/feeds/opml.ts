import { SaxesParser, type SaxesTag } from 'saxes'
import { Failure, wordsOf } from '../kernel/errors.js'
import { decodeText } from './parse/decode.js'
import { bounded } from './parse/limits.js'
import { decodeReferences } from './parse/sanitise-references.js'
import { parseFeedUrl } from './urls.js'

/** Distinct feeds of one file. */
export const MAX_OPML_FEEDS = 10_000
export const MAX_OPML_BYTES = 10_000_000

const MAX_MISTAKES_SHOWN = 20
const MAX_TITLE_CHARS = 250
/** Types of outlines whose `url` is no feed (OPML 2.0): a page, or another OPML file. */
const NO_FEED = new Set(['link', 'include'])

/** A feed that an OPML file names. */
export interface OpmlOutline {
  /** As `parseFeedUrl` gives it. */
  readonly url: string
  /** Null when the outline has none. */
  readonly title: string | null
  /** Where the outline is in the file, from 1. */
  readonly line: number
}

/**
 * Every feed of an OPML file in its order, folders opened, each URL once, in whatever charset it is written. All of it or nothing.
 * @throws {Failure} OPML_TOO_LARGE, OPML_INVALID naming every mistake with its line
 */
export function readOpml(bytes: Uint8Array): OpmlOutline[] {
  if (bytes.byteLength > MAX_OPML_BYTES) throw tooManyBytes()
  return new OpmlReader().read(mended(decodeText(bytes, null)))
}

/** Without what exporters and editors get wrong and nothing depends on; lines stay where they are. */
function mended(text: string): string {
  return (
    text
      // Blank lines before the declaration, which says nothing more once the text is decoded.
      .replace(/^[\s\uFEFF]*<\?xml\s[^<>]*\?>/, opening => opening.replace(/[^\n]/g, ''))
      .replace(/[^\t\n\r -\uFFFD]/g, '')
      // An ampersand that starts no reference is one: URLs are pasted with them.
      .replace(/&(?!#\d{1,7};|#x[\da-f]{1,6};|[a-z]\w{0,39};)/gi, '&amp;')
      .replace(/&#\w{1,7};/g, reference => escaped(decodeReferences(reference, 'attribute')))
  )
}

/** The refusal of a file by its size, for those who know it before they read. */
export function tooManyBytes(): Failure {
  return tooLarge(`the OPML file is larger than ${MAX_OPML_BYTES} bytes`)
}

/** OPML 2.0. `createdAt` in milliseconds since the epoch. */
export function writeOpml(list: {
  readonly title: string
  readonly feeds: readonly { readonly url: string; readonly title: string }[]
  readonly createdAt: number
}): string {
  const outlines = list.feeds.map(
    ({ url, title }) => `    <outline type="rss" text="${escaped(title === '' ? url : title)}" xmlUrl="${escaped(url)}"/>`,
  )
  return `${[
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<opml version="2.0">',
    '  <head>',
    `    <title>${escaped(list.title)}</title>`,
    `    <dateCreated>${new Date(list.createdAt).toUTCString()}</dateCreated>`,
    '  </head>',
    '  <body>',
    ...outlines,
    '  </body>',
    '</opml>',
  ].join('\n')}\n`
}

/** For element content and attributes; characters that XML cannot hold are left out. */
function escaped(text: string): string {
  return text
    .replace(/[^ -\uFFFD]/g, ' ')
    .replace(/\p{Surrogate}/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Those of XML and of HTML, which exporters write into titles; any other name stays as it is written. */
const HTML_ENTITIES = new Proxy<Record<string, string>>(
  {},
  {
    get(_target, name) {
      if (name === 'apos') return "'"
      if (typeof name !== 'string' || !/^\w{1,40}$/.test(name)) return undefined
      const value = decodeReferences(`&${name};`, 'attribute')
      return value
    },
  },
)

class OpmlReader {
  private readonly feeds = new Map<string, OpmlOutline>()
  private readonly mistakes: string[] = []
  private readonly open: string[] = []
  /** What stands behind the root element is not looked at. */
  private isDone = false

  read(text: string): OpmlOutline[] {
    const parser = new SaxesParser({ fragment: false })
    parser.ENTITIES = HTML_ENTITIES
    parser.on('doctype', () => this.stop(parser.line, 'a DOCTYPE is not accepted'))
    parser.on('error', error => {
      if (!this.isDone) this.stop(parser.line, `not well-formed XML: ${error.message.replace(/^\d+:\d+: /, '')}`)
    })
    // A tag that spans lines is named by the line where it starts; the line break after its name is read already.
    let startLine = 1
    parser.on('opentagstart', () => {
      startLine = parser.column === 0 ? parser.line - 1 : parser.line
    })
    parser.on('opentag', tag => {
      if (!this.isDone) this.enter(tag, startLine)
    })
    parser.on('closetag', () => {
      this.open.pop()
      if (this.open.length === 0) this.isDone = true
    })
    parser.write(text).close()
    if (this.mistakes.length > 0) throw invalid(this.mistakes)
    if (this.feeds.size === 0) throw invalid(['the file names no feed: no outline has an xmlUrl'])
    return [...this.feeds.values()]
  }

  private enter(tag: SaxesTag, line: number): void {
    const name = tag.name.toLowerCase()
    if (this.open.length === 0 && name !== 'opml') this.stop(line, `the root element is <${tag.name.slice(0, 40)}>, not <opml>`)
    this.open.push(name)
    if (name !== 'outline' || this.open[1] !== 'body') return
    const attributes = new Map(Object.entries(tag.attributes).map(([key, value]) => [key.toLowerCase(), String(value)]))
    const type = attributes.get('type')?.trim().toLowerCase() ?? ''
    const url =
      attributes.get('xmlurl')?.trim() || (NO_FEED.has(type) ? undefined : attributes.get('url')) || attributes.get('xmlurl')
    if (url === undefined) {
      if (type === 'rss') this.mistakes.push(`line ${line}: an outline of type rss has no xmlUrl`)
      return
    }
    this.add(url, attributes.get('title')?.trim() || attributes.get('text')?.trim() || null, line)
  }

  private add(named: string, title: string | null, line: number): void {
    try {
      const url = parseFeedUrl(named)
      if (this.feeds.has(url)) return
      this.feeds.set(url, { url, title: title === null ? null : bounded(title.replace(/\s+/g, ' '), MAX_TITLE_CHARS), line })
    } catch (error) {
      this.mistakes.push(`line ${line}: xmlUrl ${named.trim() === '' ? 'is empty' : wordsOf(error)}`)
    }
    if (this.feeds.size > MAX_OPML_FEEDS) throw tooLarge(`line ${line}: the OPML file names more than ${MAX_OPML_FEEDS} feeds`)
  }

  private stop(line: number, words: string): never {
    throw invalid([...this.mistakes, `line ${line}: ${words}`])
  }
}

function invalid(mistakes: readonly string[]): Failure {
  const more = mistakes.length - MAX_MISTAKES_SHOWN
  const shown = mistakes.slice(0, MAX_MISTAKES_SHOWN).join('\n')
  return new Failure('OPML_INVALID', more > 0 ? `${shown}\nand ${more} more` : shown)
}

function tooLarge(words: string): Failure {
  return new Failure('OPML_TOO_LARGE', words, { hint: 'split it into several files' })
}
