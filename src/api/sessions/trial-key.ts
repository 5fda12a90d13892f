import { ipv6Words, tailAsIpv4 } from '../../feeds/fetch/ipv6.js'

/** Under which key an address's failures are counted: one home has 2^64 addresses of IPv6. */
export function trialKeyOf(address: string): string {
  const words = ipv6Words(address.split('%', 1)[0] ?? '')
  if (words === null) return `ip:${address}`
  const isIpv4 = words.slice(0, 5).every(word => word === 0) && words[5] === 0xffff
  if (isIpv4) return `ip:${tailAsIpv4(words)}`
  return `net:${words
    .slice(0, 4)
    .map(word => word.toString(16))
    .join(':')}`
}
