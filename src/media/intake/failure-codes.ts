import type { FailureCode } from '../../kernel/errors.js'

/** What a download fails with is named as it is of feeds. */
const OF_MEDIA: Readonly<Record<string, FailureCode>> = {
  FEED_TIMEOUT: 'MEDIA_TIMEOUT',
  FEED_UNREACHABLE: 'MEDIA_UNREACHABLE',
  FEED_CUT: 'MEDIA_CUT',
  FEED_GONE: 'MEDIA_GONE',
  FEED_HTTP_STATUS: 'MEDIA_HTTP_STATUS',
  FEED_CHALLENGED: 'MEDIA_CHALLENGED',
  FEED_LIMITED: 'MEDIA_LIMITED',
  FEED_REDIRECTS: 'MEDIA_REDIRECTS',
  FEED_ENCODING: 'MEDIA_ENCODING',
}

/** The code under which operators see the failure of a picture. */
export function mediaCodeOf(code: string): string {
  return OF_MEDIA[code] ?? code
}
