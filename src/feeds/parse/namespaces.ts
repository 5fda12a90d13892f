import type { FeedFormat } from '../document.js'

/** The prefix under which this code knows a vocabulary; '' for that of the format itself. Addresses in lower case, without an end of `/` or `#`. */
const PREFIXES: Readonly<Record<string, string>> = {
  'http://purl.org/rss/1.0': '',
  'http://my.netscape.com/rdf/simple/0.9': '',
  'http://channel.netscape.com/rdf/simple/0.9': '',
  'http://purl.org/net/rss1.1': '',
  'http://backend.userland.com/rss2': '',
  'http://blogs.law.harvard.edu/tech/rss': '',
  'http://cyber.law.harvard.edu/rss': '',
  'http://www.w3.org/2005/atom': 'atom',
  'http://purl.org/atom/ns': 'atom',
  'http://www.w3.org/1999/02/22-rdf-syntax-ns': 'rdf',
  'http://purl.org/rss/1.0/modules/content': 'content',
  'http://purl.org/rss/1.0/modules/syndication': 'sy',
  'http://purl.org/dc/elements/1.0': 'dc',
  'http://purl.org/dc/elements/1.1': 'dc',
  'http://purl.org/dc/terms': 'dcterms',
  'http://www.itunes.com/dtds/podcast-1.0.dtd': 'itunes',
  'http://search.yahoo.com/mrss': 'media',
  'http://rssnamespace.org/feedburner/ext/1.0': 'feedburner',
  'http://www.w3.org/1999/xhtml': 'xhtml',
}

/** Names that are written with capitals; documents write them in any case. */
const SPELLINGS = new Map(
  [
    'pubDate',
    'isPermaLink',
    'skipHours',
    'skipDays',
    'fileSize',
    'rdf:RDF',
    'rdf:Description',
    'textInput',
    'sy:updatePeriod',
    'sy:updateFrequency',
    'feedburner:origLink',
    'managingEditor',
    'lastBuildDate',
  ].map(name => [name.toLowerCase(), name]),
)

/** Elements that anything is read of, by local names in lower case. */
const FIELDS = new Set(
  (
    'rss channel item feed entry title link guid id description summary content encoded pubdate published issued created updated modified date author ' +
    'creator contributor name category subject enclosure language ttl skiphours skipdays hour day updateperiod updatefrequency image url thumbnail ' +
    'group subtitle tagline origlink source body'
  ).split(' '),
)

/** Prefixes and what they stand for, as declared where an element stands. The key '' is the default namespace of elements below the root. */
export type Scope = ReadonlyMap<string, string>

/** The declarations among the attributes added to a scope; the same scope when there are none. */
export function scopeWith(scope: Scope, attributes: Iterable<readonly [string, string]>, isRoot: boolean): Scope {
  let wider: Map<string, string> | null = null
  for (const [name, value] of attributes) {
    const prefix = name === 'xmlns' ? '' : name.startsWith('xmlns:') ? name.slice(6).toLowerCase() : null
    // The default of the root is the format's own, whatever publishers declare there.
    if (prefix === null || (isRoot && prefix === '')) continue
    wider ??= new Map(scope)
    wider.set(prefix, value)
  }
  return wider ?? scope
}

/** The name of an element or attribute as this code knows it: with the usual prefix of its namespace, in the usual spelling. */
export function canonicalName(name: string, scope: Scope, format: FeedFormat | null): string {
  const lower = name.toLowerCase()
  const colon = lower.indexOf(':')
  const prefix = colon < 0 ? '' : lower.slice(0, colon)
  const declared = scope.get(prefix)
  const known = declared === undefined ? undefined : prefixOf(declared, format)
  const local = colon < 0 ? lower : lower.slice(colon + 1)
  const usual = known ?? prefix
  const full = usual === '' ? local : `${usual}:${local}`
  return SPELLINGS.get(full) ?? full
}

export function attributeName(name: string, scope: Scope): string {
  return name.includes(':') ? canonicalName(name, scope, null) : (SPELLINGS.get(name.toLowerCase()) ?? name.toLowerCase())
}

/** The root is what the format says, whatever its prefix; a bare `<channel>` is one too. */
export function rootName(name: string, format: FeedFormat | null): string {
  const lower = name.toLowerCase()
  if (format === null || lower.endsWith('channel')) return lower
  return format === 'atom' ? 'feed' : format === 'rdf' ? 'rdf:RDF' : 'rss'
}

/** What the prefix of the root stands for although it may not be declared: the format. */
export function rootScope(name: string, format: FeedFormat | null): Scope {
  const colon = name.indexOf(':')
  if (colon < 0 || format === 'rdf') return new Map()
  return new Map([
    [name.slice(0, colon).toLowerCase(), format === 'atom' ? 'http://www.w3.org/2005/Atom' : 'http://purl.org/rss/1.0/'],
  ])
}

/** True when a known namespace has another prefix than the one it is known by, so that names must be looked up. '' is the default namespace. */
export function isOddPrefix(prefix: string, uri: string, format: FeedFormat | null): boolean {
  const known = prefixOf(uri, format)
  return known !== undefined && known !== prefix && !(prefix === '' && known === 'xhtml')
}

/** The usual spelling of a name that is read; null for any other. */
export function fieldSpelling(name: string): string | null {
  const lower = name.toLowerCase()
  const usual = SPELLINGS.get(lower) ?? lower
  return FIELDS.has(lower.slice(lower.indexOf(':') + 1)) ? usual : null
}

function prefixOf(uri: string, format: FeedFormat | null): string | undefined {
  const bare = uri.trim().toLowerCase().replace(/[/#]$/, '')
  const prefix = Object.hasOwn(PREFIXES, bare) ? PREFIXES[bare] : undefined
  return prefix === 'atom' && format === 'atom' ? '' : prefix
}
