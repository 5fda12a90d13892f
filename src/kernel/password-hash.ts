/** What scrypt is asked for, and what it gave. */
export interface PasswordHash {
  /** N is 2 to the power of it. */
  readonly log2N: number
  readonly r: number
  readonly p: number
  readonly salt: Buffer
  readonly hash: Buffer
}

/** Weaker ones are guessed too fast; dearer ones would hold the process up, or take its memory. */
const LOG2_N = { least: 15, most: 18 }
const R = { least: 8, most: 16 }
const P = { least: 1, most: 4 }
const SALT_BYTES = { least: 16, most: 64 }
const HASH_BYTES = { least: 32, most: 64 }
const MOST_MEMORY_BYTES = 256 * 1024 * 1024

/** Reads `scrypt:<log2N>:<r>:<p>:<salt>:<hash>`; null for what is no such hash, or one that nobody should verify a password with. */
export function readPasswordHash(text: string): PasswordHash | null {
  const parts = /^scrypt:(\d{1,2}):(\d{1,2}):(\d{1,2}):([\w-]+):([\w-]+)$/.exec(text)
  if (parts === null) return null
  const [log2N, r, p] = parts.slice(1, 4).map(Number) as [number, number, number]
  const [salt, hash] = parts.slice(4).map(part => Buffer.from(part, 'base64url')) as [Buffer, Buffer]
  const isSane =
    isWithin(log2N, LOG2_N) &&
    isWithin(r, R) &&
    isWithin(p, P) &&
    isWithin(salt.length, SALT_BYTES) &&
    isWithin(hash.length, HASH_BYTES) &&
    memoryOf({ log2N, r }) <= MOST_MEMORY_BYTES
  return isSane ? { log2N, r, p, salt, hash } : null
}

export function writePasswordHash({ log2N, r, p, salt, hash }: PasswordHash): string {
  return ['scrypt', log2N, r, p, salt.toString('base64url'), hash.toString('base64url')].join(':')
}

/** What scrypt needs for it, bytes. */
export function memoryOf({ log2N, r }: Pick<PasswordHash, 'log2N' | 'r'>): number {
  return 128 * 2 ** log2N * r
}

function isWithin(value: number, { least, most }: { readonly least: number; readonly most: number }): boolean {
  return value >= least && value <= most
}
