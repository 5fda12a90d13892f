import { hash, randomBytes } from 'node:crypto'

/** 22 base64url characters: the first 16 bytes of SHA-256. Fits an indexed column and compares as text on every database. */
export function shortHash(data: string | Uint8Array): string {
  return hash('sha256', data, 'buffer').subarray(0, 16).toString('base64url')
}

/** 22 random base64url characters, 128 bits. */
export function randomToken(): string {
  return randomBytes(16).toString('base64url')
}
