import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import pLimit from 'p-limit'
import { memoryOf, type PasswordHash, readPasswordHash, writePasswordHash } from '../../kernel/password-hash.js'

export const LEAST_CHARACTERS = 10
/** More is no password, but work for whoever has to read it. */
export const MOST_BYTES = 1024

/** 32 MiB and about a tenth of a second: OWASP's password storage cheat sheet has 2^15 with r 8 and p 3. */
const COST = { log2N: 15, r: 8, p: 3 }
const SALT_BYTES = 16
const HASH_BYTES = 32
/** Passwords that are looked at at the same time: each takes its memory. */
const AT_ONCE = 2

/** The setting's value for a password, with a new salt. */
export async function hashPassword(password: string): Promise<string> {
  const terms = { ...COST, salt: randomBytes(SALT_BYTES) }
  return writePasswordHash({ ...terms, hash: await derive(password, terms, HASH_BYTES) })
}

/** Compares passwords with one hash, each at the same cost, few at a time. */
export class PasswordCheck {
  private readonly limit = pLimit(AT_ONCE)
  private readonly expected: PasswordHash

  /** `setting`: as the settings have it, which let no other through. */
  constructor(setting: string) {
    const expected = readPasswordHash(setting)
    if (expected === null) throw new TypeError('no hash of a password')
    this.expected = expected
  }

  isRight(password: string): Promise<boolean> {
    return this.limit(async () => {
      const { hash } = this.expected
      return timingSafeEqual(await derive(password, this.expected, hash.length), hash)
    })
  }
}

type Terms = Omit<PasswordHash, 'hash'>

/** Not the variant that holds the process up. */
function derive(password: string, terms: Terms, bytes: number): Promise<Buffer> {
  const { log2N, r, p, salt } = terms
  // What is typed as one character may come as two from another keyboard.
  const typed = password.normalize('NFC')
  return new Promise((resolve, reject) => {
    scrypt(typed, salt, bytes, { N: 2 ** log2N, r, p, maxmem: 2 * memoryOf(terms) }, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}
