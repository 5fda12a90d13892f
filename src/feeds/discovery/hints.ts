import type { FailureCode } from '../../kernel/errors.js'
import { shellUrl } from './address.js'

/** Where it failed so, a feed may be found from the page, or from the site's first one. */
const ELSEWHERE: ReadonlySet<FailureCode> = new Set([
  'FEED_NOT_A_FEED',
  'FEED_GONE',
  'FEED_HTTP_STATUS',
  'FEED_EMPTY',
  'FEED_UNREADABLE',
  'FEED_REDIRECTS',
])
const SETTINGS: Partial<Record<FailureCode, string>> = {
  ADDRESS_REFUSED: 'name it in FEEDCTL_FETCH_ALLOW if it is yours',
  FEED_TOO_LARGE: 'set FEEDCTL_FETCH_MAX_BYTES',
}

/** For who knows better than a search. */
export const ADD_UNSEEN = 'feedctl feed add <tenant> <url of the feed> --unseen'

/** What a person can do about a URL, as `parseFeedUrl` writes it, that cannot be read; null when there is nothing but time. */
export function hintFor(code: FailureCode, url: string, did: 'parse' | 'discover'): string | null {
  const setting = SETTINGS[code]
  if (setting !== undefined) return setting
  if (!ELSEWHERE.has(code)) return null
  if (code === 'FEED_NOT_A_FEED' && did === 'parse') return `feedctl feed discover ${shellUrl(url)}`
  const home = `${new URL(url).origin}/`
  if (home !== url) return `feedctl feed discover ${shellUrl(home)}`
  return did === 'discover' ? ADD_UNSEEN : null
}
