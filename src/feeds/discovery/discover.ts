import { Failure } from '../../kernel/errors.js'
import type { FeedFormat, SourceFailure } from '../document.js'
import { sourceUrl } from '../urls.js'
import { shownUrl } from './address.js'
import { serviceGuesses, usualPlaces } from './guesses.js'
import { ADD_UNSEEN, hintFor } from './hints.js'
import { type Asking, type Look, look } from './look.js'
import { pageLinks, withoutTwins } from './page-links.js'

const MAX_REQUESTS = 20
const DISCOVERY_MS = 30_000
const AT_ONCE = 2

/**
 * - `itself`: the address given is a feed.
 * - `link`: the page names it as its feed.
 * - `anchor`: the page links to it.
 * - `service`: its address follows from the page's, at a service that is known.
 * - `path`: it is where feeds usually are.
 */
export type FoundBy = 'itself' | 'link' | 'anchor' | 'service' | 'path'

export interface DiscoveredFeed {
  /** What to subscribe to, as `parseFeedUrl` writes it. */
  readonly url: string
  readonly title: string | null
  readonly format: FeedFormat
  readonly posts: number
  /** Of its newest dated post, milliseconds since the epoch; null when none has a date. */
  readonly newestAt: number | null
  readonly foundBy: FoundBy
}

export interface Discovery {
  readonly url: string
  /** What is at the URL itself; null when there was no time to see it. */
  readonly kind: Look['kind'] | null
  readonly feeds: readonly DiscoveredFeed[]
  /** Addresses that are no feeds, and why. */
  readonly refused: ReadonlyMap<string, SourceFailure>
}

export interface DiscoveryOptions {
  readonly signal: AbortSignal
  /** For all of it; what was found until then counts. */
  readonly timeoutMs?: number
}

/** As `discover`, for who needs a feed. @throws {Failure} FEED_NOT_DISCOVERED with what was tried; why the URL itself cannot be read */
export async function discoverFeeds(fetcher: Asking, url: string, options: DiscoveryOptions): Promise<Discovery> {
  const discovery = await discover(fetcher, url, options)
  if (discovery.feeds.length > 0) return discovery
  const failure = discovery.refused.get(url)
  if (discovery.kind !== 'page' && failure !== undefined) {
    const hint = hintFor(failure.code, url, 'discover')
    throw new Failure(failure.code, failure.message, hint === null ? {} : { hint })
  }
  const tried = words(discovery.refused, url)
  throw new Failure('FEED_NOT_DISCOVERED', `no feed was found from ${shownUrl(url)}${tried === '' ? '' : `; tried ${tried}`}`, {
    hint: ADD_UNSEEN,
  })
}

/**
 * The feeds at and behind a URL: itself, else those its page names, else those it links to, else those where feeds usually are. Each was fetched and
 * read; the same one under several addresses is one. About 20 requests, two at a time. Rejects only with the signal's reason, when it aborts.
 */
export async function discover(fetcher: Asking, url: string, options: DiscoveryOptions): Promise<Discovery> {
  const deadline = AbortSignal.timeout(options.timeoutMs ?? DISCOVERY_MS)
  const search = new Search(fetcher, AbortSignal.any([options.signal, deadline]))
  try {
    await search.from(url)
  } catch (error) {
    if (error !== deadline.reason) throw error
    if (search.kind === null) search.refused.set(url, { code: 'FEED_TIMEOUT', message: 'no answer in time' })
  }
  return { url, kind: search.kind, feeds: search.feeds, refused: search.refused }
}

class Search {
  kind: Look['kind'] | null = null
  readonly feeds: DiscoveredFeed[] = []
  readonly refused = new Map<string, SourceFailure>()
  private readonly known = new Set<string>()
  private requests = 0

  constructor(
    private readonly fetcher: Asking,
    private readonly signal: AbortSignal,
  ) {}

  async from(url: string): Promise<void> {
    const first = await this.look(url)
    this.kind = first.kind
    this.note(url, first, 'itself')
    if (first.kind === 'feed') return
    if (first.kind === 'failed') return this.all(serviceGuesses(url), 'service')
    const { named, lookalikes } = pageLinks(first.html, first.finalUrl)
    await this.all(named, 'link')
    if (this.feeds.length === 0) await this.all(lookalikes, 'anchor')
    if (this.feeds.length === 0) await this.all(serviceGuesses(first.finalUrl), 'service')
    if (this.feeds.length === 0) await this.all(usualPlaces(first.finalUrl), 'path')
  }

  /** The usual places are left at the first that has a feed: the others most often have the same one. */
  private async all(urls: readonly string[], foundBy: FoundBy): Promise<void> {
    const addresses = urls.flatMap(url => sourceUrl(url) ?? [])
    const left = withoutTwins(addresses).filter(url => !this.refused.has(url))
    while (left.length > 0 && this.requests < MAX_REQUESTS && (foundBy !== 'path' || this.feeds.length === 0)) {
      const some = left.splice(0, Math.min(AT_ONCE, MAX_REQUESTS - this.requests))
      const looks = await Promise.allSettled(some.map(url => this.look(url)))
      for (const [index, url] of some.entries()) {
        const seen = looks[index]
        if (seen?.status === 'fulfilled') this.note(url, seen.value, foundBy)
      }
      // Only now: what the other one found is kept.
      for (const seen of looks) if (seen.status === 'rejected') throw seen.reason
    }
  }

  private async look(url: string): Promise<Look> {
    const seen = await look(this.fetcher, url, this.signal)
    this.requests += seen.requests
    return seen
  }

  private note(url: string, seen: Look, foundBy: FoundBy): void {
    if (seen.kind === 'failed') this.refused.set(url, seen.failure)
    if (seen.kind === 'page') this.refused.set(url, { code: 'FEED_NOT_A_FEED', message: 'an HTML page' })
    if (seen.kind !== 'feed') return
    const marks = [seen.finalUrl.replace(/^https?:/, ''), seen.bodyHash]
    if (!marks.some(mark => this.known.has(mark))) this.feeds.push(feedOf(seen, foundBy))
    for (const mark of marks) this.known.add(mark)
  }
}

function feedOf({ url, document }: Look & { kind: 'feed' }, foundBy: FoundBy): DiscoveredFeed {
  const dates = document.posts.flatMap(post => post.publishedAt ?? post.updatedAt ?? [])
  const newestAt = dates.length === 0 ? null : Math.max(...dates)
  return { url, title: document.title || null, format: document.format, posts: document.posts.length, newestAt, foundBy }
}

/** Addresses by why they are no feeds, those of the same site without it. */
function words(refused: ReadonlyMap<string, SourceFailure>, pageUrl: string): string {
  const { origin } = new URL(pageUrl)
  const byWhy = new Map<string, string[]>()
  for (const [url, { message }] of refused) {
    if (url === pageUrl) continue
    const shown = url.startsWith(`${origin}/`) ? url.slice(origin.length) : url
    byWhy.set(message, [...(byWhy.get(message) ?? []), shownUrl(shown)])
  }
  return [...byWhy].map(([why, urls]) => `${urls.join(', ')} (${why})`).join('; ')
}
