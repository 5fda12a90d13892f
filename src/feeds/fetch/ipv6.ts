import { isIPv6 } from 'node:net'

/** The eight 16-bit words of an IPv6 address. */
export type Ipv6Words = readonly [number, number, number, number, number, number, number, number]

/** Null for what is not an IPv6 address without a zone. */
export function ipv6Words(address: string): Ipv6Words | null {
  if (!isIPv6(address) || address.includes('%')) return null
  const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = '', tail] = canonical.split('::')
  const left = wordsIn(head)
  const right = tail === undefined ? [] : wordsIn(tail)
  const zeros = new Array<number>(8 - left.length - right.length).fill(0)
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = [...left, ...zeros, ...right]
  return [a, b, c, d, e, f, g, h]
}

/** The last 32 bits in dotted form. */
export function tailAsIpv4(words: Ipv6Words): string {
  return [words[6] >> 8, words[6] & 255, words[7] >> 8, words[7] & 255].join('.')
}

function wordsIn(text: string): number[] {
  return text === '' ? [] : text.split(':').map(word => Number.parseInt(word, 16))
}
