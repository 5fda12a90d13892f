import { parseFeedUrl } from '../urls.js'

const SHOWN_CHARS = 100
/** A name with a dot in it and letters at its end, then a port, a path, a query. No IP address: few of them speak TLS. */
const BARE_HOST = /^(?:[\p{L}\p{M}\p{N}_-]+\.)+(?:[\p{L}\p{M}]{2,}|xn--[a-z\d-]+)\.?(?:[:/?#]|$)/iu

/** A URL as a person typed it. */
export interface TypedUrl {
  /** As `parseFeedUrl` writes it. */
  readonly url: string
  /** The `https://` is feedctl's guess. */
  readonly guessed: boolean
}

/** As `parseFeedUrl`, with `https://` put before a bare host name. @throws {Failure} URL_INVALID */
export function typedUrl(text: string): TypedUrl {
  const bare = text.trim()
  const guessed = BARE_HOST.test(bare)
  return { url: parseFeedUrl(guessed ? `https://${bare}` : text), guessed }
}

/** A URL, or its start when it is long, for messages. */
export function shownUrl(url: string): string {
  return url.length <= SHOWN_CHARS ? url : `${url.slice(0, SHOWN_CHARS - 1)}…`
}

/** A URL as a shell takes it, whole. */
export function shellUrl(url: string): string {
  return /^[\w./:@%+,=~-]*$/.test(url) ? url : `'${url.replaceAll("'", '%27')}'`
}
