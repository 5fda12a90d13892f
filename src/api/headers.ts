import { randomBytes } from 'node:crypto'

/** On every answer. What is shown inside of pages of others (media), or is a page itself (the dashboard), replaces some of them. */
export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
} as const

/** On answers to requests that came over https. */
export const HSTS = { name: 'strict-transport-security', value: 'max-age=31536000' } as const

/** On what a token opens, unless the route says otherwise. */
export const PRIVATE = 'private, no-cache'

export const REQUEST_ID = 'x-request-id'

/** Other processes have others. */
const PREFIX = randomBytes(6).toString('base64url').replaceAll('_', '.')
let requests = 0

/** A name for a request that no other has had. */
export function nextRequestId(): string {
  requests++
  return `${PREFIX}-${requests.toString(36)}`
}
