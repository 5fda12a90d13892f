/** Percent-encodes as signatures want it: everything but letters, digits and `-_.~`. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** A path of which each segment is encoded. */
export function encodePath(path: string): string {
  return /^[\w./~-]*$/.test(path) ? path : path.split('/').map(encode).join('/')
}

/** With its `?`; '' for nothing. */
export function encodeQuery(query: Readonly<Record<string, unknown>> | undefined): string {
  const pairs = Object.entries(query ?? {}).map(([name, value]) => `${encode(name)}=${encode(String(value ?? ''))}`)
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}
