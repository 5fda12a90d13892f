import { Failure } from '../../kernel/errors.js'
import { parseUrl } from '../../kernel/parse-url.js'

const MAX_LOCATION_CHARS = 8_000

/** The URLs one fetch goes through. */
export class Trail {
  url: URL
  /** HTTP requests sent so far. */
  requests = 0
  private permanent = true
  private readonly visited = new Set<string>()

  /** @throws {Failure} URL_INVALID */
  constructor(
    start: string,
    private readonly maxRedirects: number,
  ) {
    const url = parseUrl(start)
    if (url === null || !isWeb(url)) throw new Failure('URL_INVALID', `${start.slice(0, 200)} is not an http(s) URL`)
    this.url = url
    this.visited.add(this.finalUrl)
  }

  get finalUrl(): string {
    const { href, hash } = this.url
    return hash === '' ? href : href.slice(0, -hash.length)
  }

  /** Null when the last URL is the first one or any hop was temporary. */
  get permanentUrl(): string | null {
    return this.visited.size > 1 && this.permanent ? this.finalUrl : null
  }

  /** @throws {Failure} FEED_REDIRECTS for one too many, a loop, or a Location that is not an http(s) URL */
  move(status: number, location: string | null): void {
    const shown = location?.slice(0, 200) ?? ''
    if (location === null || location === '') throw new Failure('FEED_REDIRECTS', `HTTP ${status} without a Location`)
    if (this.visited.size > this.maxRedirects) throw new Failure('FEED_REDIRECTS', `more than ${this.maxRedirects} redirects`)
    // Location arrives as Latin-1; publishers who send letters beyond ASCII mean UTF-8.
    const target = Buffer.from(location, 'latin1').toString('utf8')
    const next = location.length > MAX_LOCATION_CHARS ? null : parseUrl(target, this.url.href)
    if (next === null) throw new Failure('FEED_REDIRECTS', `redirected to "${shown}", which is not a URL`)
    if (!isWeb(next)) throw new Failure('FEED_REDIRECTS', `redirected to "${shown}", which is not an http(s) URL`)
    next.username = ''
    next.password = ''
    this.url = next
    if (this.visited.has(this.finalUrl))
      throw new Failure('FEED_REDIRECTS', `redirected in a loop, back to ${this.finalUrl.slice(0, 200)}`)
    this.visited.add(this.finalUrl)
    this.permanent &&= status === 301 || status === 308
  }
}

function isWeb(url: URL): boolean {
  // `http://./` is a URL to the parser, and no host to anybody.
  return (url.protocol === 'http:' || url.protocol === 'https:') && url.hostname.replace(/\.$/, '') !== ''
}
