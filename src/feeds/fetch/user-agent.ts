import { Failure } from '../../kernel/errors.js'

/**
 * How feedctl names itself: the product, and where publishers learn who asks, which joins a comment at its end.
 * @throws {Failure} CONFIG_INVALID for a name that cannot be sent
 */
export function userAgentWith(product: string, contactUrl: string | null): string {
  if (!/^[\x20-\x7e]+$/.test(product)) {
    throw new Failure('CONFIG_INVALID', 'FEEDCTL_USER_AGENT has characters that HTTP cannot send', { hint: 'use plain ASCII' })
  }
  const name = product.trim()
  if (contactUrl === null || name.includes(contactUrl)) return name
  // Parentheses end a comment.
  const contact = `+${new URL(contactUrl).href.replaceAll('(', '%28').replaceAll(')', '%29')}`
  return name.endsWith(')') ? `${name.slice(0, -1)}; ${contact})` : `${name} (${contact})`
}
