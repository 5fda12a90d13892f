const [C1, C2, C3, C4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93] as const
/** A visitor of 200 characters has 600 bytes at most. */
const SCRATCH = Buffer.alloc(1024)

/**
 * MurmurHash3_x86_128 (Austin Appleby, public domain) of the first `length` bytes, as four words written to `out`. No secret is safe behind it; it spreads
 * evenly, which is what counting distinct visitors needs.
 */
export function murmur128(bytes: Uint8Array, length: number, seed: number, out: Uint32Array): void {
  let [h1, h2, h3, h4] = [seed, seed, seed, seed]
  const whole = length & ~15
  for (let at = 0; at < whole; at += 16) {
    h1 = (Math.imul(rotl(h1 ^ mix1(wordAt(bytes, at)), 19) + h2, 5) + 0x561ccd1b) | 0
    h2 = (Math.imul(rotl(h2 ^ mix2(wordAt(bytes, at + 4)), 17) + h3, 5) + 0x0bcaa747) | 0
    h3 = (Math.imul(rotl(h3 ^ mix3(wordAt(bytes, at + 8)), 15) + h4, 5) + 0x96cd1c35) | 0
    h4 = (Math.imul(rotl(h4 ^ mix4(wordAt(bytes, at + 12)), 13) + h1, 5) + 0x32ac3b17) | 0
  }
  if (length - whole > 12) h4 ^= mix4(tailAt(bytes, whole + 12, length))
  if (length - whole > 8) h3 ^= mix3(tailAt(bytes, whole + 8, length))
  if (length - whole > 4) h2 ^= mix2(tailAt(bytes, whole + 4, length))
  if (length > whole) h1 ^= mix1(tailAt(bytes, whole, length))
  finish(h1 ^ length, h2 ^ length, h3 ^ length, h4 ^ length, out)
}

/** Hashes what names a visitor, seeded with the tenant's id, into two words that are not both 0. */
export function hashVisitor(visitor: string, seed: number, out: Uint32Array): void {
  murmur128(SCRATCH, bytesOf(visitor), seed, out)
  if (out[0] === 0 && out[1] === 0) out[1] = 1
}

/** Writes the text to the scratch as UTF-8, and tells its length. */
function bytesOf(text: string): number {
  const { length } = text
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code > 127) return SCRATCH.write(text)
    SCRATCH[at] = code
  }
  return length
}

function finish(a: number, b: number, c: number, d: number, out: Uint32Array): void {
  let h1 = (a + b + c + d) | 0
  let [h2, h3, h4] = [(b + h1) | 0, (c + h1) | 0, (d + h1) | 0]
  h1 = avalanche(h1)
  h2 = avalanche(h2)
  h3 = avalanche(h3)
  h4 = avalanche(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  out[0] = h1
  out[1] = h2 + h1
  out[2] = h3 + h1
  out[3] = h4 + h1
}

function mix1(k: number): number {
  return Math.imul(rotl(Math.imul(k, C1), 15), C2)
}

function mix2(k: number): number {
  return Math.imul(rotl(Math.imul(k, C2), 16), C3)
}

function mix3(k: number): number {
  return Math.imul(rotl(Math.imul(k, C3), 17), C4)
}

function mix4(k: number): number {
  return Math.imul(rotl(Math.imul(k, C4), 18), C1)
}

function avalanche(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

function rotl(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** Up to four bytes before the end. */
function tailAt(bytes: Uint8Array, from: number, end: number): number {
  let word = 0
  for (let at = Math.min(from + 4, end) - 1; at >= from; at--) word = (word << 8) | (bytes[at] as number)
  return word
}
