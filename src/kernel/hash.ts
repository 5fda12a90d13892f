import { hash, randomBytes } from 'node:crypto'

/** 22 base64url characters: the first 16 bytes of SHA-256. Fits an indexed column and compares as text on every database. */
export function shortHash(data: string | Uint8Array): string {
  return hash('sha256', data, 'buffer').subarray(0, 16).toString('base64url')
}

/** A whole number below 2^48, from the first bytes of SHA-256. */
export function shortNumber(data: string): number {
  return hash('sha256', data, 'buffer').readUIntBE(0, 6)
}

/** 22 random base64url characters, 128 bits but for a trifle: it begins with none that a command line takes for a flag. */
export function randomToken(): string {
  for (;;) {
    const token = randomBytes(16).toString('base64url')
    if (!token.startsWith('-')) return token
  }
}
