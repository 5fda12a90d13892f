import { parseUrl } from '../../kernel/parse-url.js'
import { sourceUrl } from '../urls.js'
import { type LinkingTag, linkingTags } from './linking-tags.js'

/** Links stand near the start of a page, and the longest pages are data. */
const MAX_HTML_CHARS = 4_000_000
const MAX_NAMED = 12
const MAX_ANCHORS = 6

const FEED_TYPES: ReadonlySet<string> = new Set([
  'application/rss+xml',
  'application/atom+xml',
  'application/rdf+xml',
  'application/x-rss+xml',
  'application/feed+json',
  'application/xml',
  'text/xml',
  'text/rss+xml',
])
/** WordPress names its API so on every page. */
const LAST_TYPE = 'application/json'

/** `/feed`, `/blog/rss.xml`, `/x.atom`, `?feed=rss2`: what the addresses of feeds end in. */
const FEED_PATH = /(?:^|[/._-])(?:feeds?|rss2?|atom|rdf)(?:\.(?:xml|json|php|aspx?))?\/?$|\/index\.(?:xml|rdf)$/i
const FEED_QUERY = /[?&](?:feed|format|type)=(?:feed|rss2?|atom|rdf)\b/i

/** Addresses a page gives, as `parseFeedUrl` writes them, in its order, each once. */
export interface PageLinks {
  /** By `rel` and `type`: feeds, says the page. */
  readonly named: readonly string[]
  /** Plain links that look like feeds. */
  readonly lookalikes: readonly string[]
}

interface Found {
  base: string | null
  readonly named: string[]
  readonly last: string[]
  readonly hrefs: string[]
}

/** The links of an HTML page that may lead to feeds; relative ones are resolved against its `<base>`, else against `pageUrl`. */
export function pageLinks(html: string, pageUrl: string): PageLinks {
  const found: Found = { base: null, named: [], last: [], hrefs: [] }
  for (const tag of linkingTags(html.slice(0, MAX_HTML_CHARS))) take(tag, found)
  const base = absolute(found.base, pageUrl) ?? pageUrl
  const named = urlsOf([...found.named, ...found.last], base)
  const lookalikes = urlsOf(found.hrefs, base).filter(url => looksLikeFeed(url))
  return { named: named.slice(0, MAX_NAMED), lookalikes: lookalikes.slice(0, MAX_ANCHORS) }
}

/** One URL for the two schemes: the safe one where both are there. */
export function withoutTwins(urls: readonly string[]): string[] {
  const byAddress = new Map<string, string>()
  for (const url of urls) {
    const address = url.replace(/^https?:/, '')
    const known = byAddress.get(address)
    if (known === undefined || known.startsWith('http:')) byAddress.set(address, url)
  }
  return [...byAddress.values()]
}

function take({ name, href, rel, type }: LinkingTag, found: Found): void {
  if (href === null) return
  if (name === 'base') {
    found.base ??= href
    return
  }
  const kinds = rel.split(/\s+/)
  const mime = type.replace(/;.*/s, '').trim()
  const alternate = kinds.includes('alternate') && !kinds.includes('stylesheet')
  if (kinds.includes('feed') || (alternate && FEED_TYPES.has(mime))) found.named.push(href)
  else if (alternate && mime === LAST_TYPE) found.last.push(href)
  else if (name === 'a') found.hrefs.push(href)
}

function urlsOf(hrefs: readonly string[], base: string): string[] {
  return withoutTwins(hrefs.flatMap(href => absolute(href, base) ?? []))
}

function looksLikeFeed(url: string): boolean {
  const { pathname, search } = new URL(url)
  return FEED_PATH.test(pathname) || FEED_QUERY.test(search)
}

/** Null for what no source can have as its URL. */
function absolute(href: string | null, base: string): string | null {
  const bare = href?.replace(/^feed:(?:\/\/)?(?=https?:)/i, '')
  const url = bare === undefined ? null : parseUrl(bare, base)
  return url === null ? null : sourceUrl(url.href)
}
