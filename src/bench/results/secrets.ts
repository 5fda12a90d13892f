const HIDDEN = '***'
/** Scheme, credentials, the rest of the address, query, fragment. */
const URL_PATTERN = /\b([a-z][a-z0-9+.-]*:\/\/)([^\s/?#"'<>]*@)?([^\s?#"'<>]*)(\?[^\s#"'<>]*)?(#[^\s"'<>]*)?/gi

/** A copy without secrets: of each URL in it the credentials, the values of its query and its fragment are hidden, and whatever `redact` knows. */
export function withoutSecrets<T>(value: T, redact: (text: string) => string): T {
  return hiddenIn(value, text => redact(hideInUrls(text))) as T
}

/** `https://***@host/path?token=***` */
export function hideInUrls(text: string): string {
  return text.replace(
    URL_PATTERN,
    (_all, scheme: string, login: string | undefined, address: string, query: string | undefined, fragment: string | undefined) =>
      `${scheme}${login === undefined ? '' : `${HIDDEN}@`}${address}${hideValues(query ?? '')}${fragment === undefined ? '' : `#${HIDDEN}`}`,
  )
}

/** A part of the query that has no name is a value. */
function hideValues(query: string): string {
  const hidden = (part: string) => (part.includes('=') ? `${part.slice(0, part.indexOf('='))}=${HIDDEN}` : HIDDEN)
  return query === '' ? '' : `?${query.slice(1).split('&').map(hidden).join('&')}`
}

function hiddenIn(value: unknown, hide: (text: string) => string): unknown {
  if (typeof value === 'string') return hide(value)
  if (Array.isArray(value)) return value.map(one => hiddenIn(one, hide))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, hiddenIn(one, hide)]))
}
