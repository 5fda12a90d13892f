import { parseUrl } from '../../kernel/parse-url.js'

/** An absolute URL of a named host that needs no parsing: nearly all are. A last label of letters is no IPv4 address. */
const PLAIN_URL = /^https?:\/\/(?:[a-z0-9-]+\.)+[a-z]+(?::\d{1,4})?(?:[/?#][!#-;=?-[\]_a-z~]*)?$/i

const WEB: ReadonlySet<string> = new Set(['http:', 'https:'])
const WEB_AND_MAIL: ReadonlySet<string> = new Set(['http:', 'https:', 'mailto:'])

/** What servers take at most of a URL; sanitize-html looks for comments in each, again and again. */
const MAX_REFERENCE_CHARS = 8_192

/** The reference as an absolute http or https URL; null when it is none, points to nothing, or is longer than servers take. */
export function webUrlIn(reference: string | undefined, base: string): string | null {
  return urlIn(reference, base, WEB)
}

/** Of a link, which may be to a mailbox as well. Telephone numbers are left out: a feed should not dial. */
export function linkIn(reference: string | undefined, base: string): string | null {
  return urlIn(reference, base, WEB_AND_MAIL)
}

function urlIn(attribute: string | undefined, base: string, schemes: ReadonlySet<string>): string | null {
  const reference = attribute?.trim() ?? ''
  if (reference === '' || reference.length > MAX_REFERENCE_CHARS) return null
  if (PLAIN_URL.test(reference) && !/xn--/i.test(reference)) return reference
  const url = parseUrl(reference, base)
  return url !== null && schemes.has(url.protocol) ? url.href : null
}
