/** What a publisher's refusal is about: whether a program may read at all (`challenged`), or how often (`limited`). */
export type Refusal = 'challenged' | 'limited'

/**
 * Headers by which firewalls say that they sent a challenge for browsers in place of the document, whatever the status: Cloudflare (403),
 * AWS WAF (202 and 405), Vercel (403 and 429), SiteGround (202). Their documentation, or their answers as seen by others.
 */
const CHALLENGES: readonly [header: string, values: readonly string[]][] = [
  ['cf-mitigated', ['challenge']],
  ['x-amzn-waf-action', ['challenge', 'captcha']],
  ['x-vercel-mitigated', ['challenge']],
  ['sg-captcha', ['challenge']],
]

/** Null for an answer that refuses nothing, or for another reason. `host` is the one that answered. */
export function refusalOf(status: number, header: (name: string) => string | null, host: string): Refusal | null {
  const challenged = CHALLENGES.some(([name, values]) => values.includes(header(name)?.trim().toLowerCase() ?? ''))
  if (challenged) return 'challenged'
  if (status === 429) return 'limited'
  if (status === 503) return header('retry-after') === null ? null : 'limited'
  return status === 403 && isReddit(host) ? 'limited' : null
}

/** Reddit says 403 where others say 429. */
function isReddit(host: string): boolean {
  return /(^|\.)reddit\.com\.?(:\d+)?$/i.test(host)
}
