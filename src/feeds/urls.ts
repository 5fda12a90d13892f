import { Failure, isFailure } from '../kernel/errors.js'
import { parseUrl } from '../kernel/parse-url.js'

const MAX_URL_CHARS = 2_000
/** Of a name in DNS. */
const MAX_HOST_CHARS = 253

/**
 * The URL that identifies a source, from what people paste: `feed:` prefixes are dropped, the host is lower-cased, the default port and the
 * fragment are removed. Two texts with the same result are the same source.
 * @throws {Failure} URL_INVALID
 */
export function parseFeedUrl(text: string): string {
  const bare = text
    .trim()
    .replace(/^feed:(?:\/\/)?(?=https?:)/i, '')
    .replace(/^feed:\/\//i, 'http://')
  const url = parseUrl(bare)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw invalid(text, 'is not an http(s) URL')
  // Shown without the URL: it holds a password.
  if (url.username !== '' || url.password !== '')
    throw new Failure('URL_INVALID', 'a URL with a user name or password is not accepted', { hint: 'the URL without them' })
  if (url.hostname.replace(/\.$/, '') === '' || url.hostname.length > MAX_HOST_CHARS) throw invalid(text, 'has no host name')
  url.hash = ''
  if (url.href.length > MAX_URL_CHARS) throw invalid(text, `is longer than ${MAX_URL_CHARS} characters`)
  return url.href
}

/** As `parseFeedUrl` writes it; null for what no source can have as its URL. */
export function sourceUrl(text: string): string | null {
  try {
    return parseFeedUrl(text)
  } catch (error) {
    if (!isFailure(error)) throw error
    return null
  }
}

/** The publisher's host as its budget is counted: lower case, with the port when it is not the scheme's own, without the root's dot. */
export function hostOf(url: string): string {
  return new URL(url).host.replace(/\.(?=$|:\d+$)/, '')
}

function invalid(text: string, why: string): Failure {
  return new Failure('URL_INVALID', `"${text.trim().slice(0, 100)}" ${why}`, {
    hint: 'give a URL like https://example.org/feed.xml',
  })
}
