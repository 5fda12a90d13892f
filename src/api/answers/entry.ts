import { shortHash } from '../../kernel/hash.js'

/** Of the entry itself, its key and its headers, about. */
const OVERHEAD_BYTES = 1_000

/** An answer that is ready to be sent: the JSON of a GET that succeeded. */
export interface Entry {
  readonly key: string
  readonly body: Buffer
  /** Strong, quotes included. */
  readonly etag: string
  /** The tenant's content is known to be this version or a newer one. */
  readonly version: number
  /** Epoch ms, by the clock of who built it. */
  readonly builtAt: number
  /** Of what was known of the tenant before it was built: it counts while nothing else is known. */
  readonly generation: number
  /** By this process's steady clock: when it counts no longer, changed or not. */
  readonly freshUntil: number
  /** Bytes it is reckoned with, its aliases among them. */
  bytes: number
  /** Spellings of the URL besides `key` under which it was asked. */
  readonly aliases: string[]
  /** What it is sent with past fastify; null until fastify has sent it once. */
  sentWith: SentWith | null
  /** Asked for since it was last passed over; at first it is, by who had it built. */
  used: boolean
}

/** Flat headers; the value at 1 is the request's id, set anew each time. */
export interface SentWith {
  readonly whole: string[]
  /** Of a 304. */
  readonly unchanged: string[]
}

/** An answer that is being built or fetched, for all who ask for it while nothing else is heard of the tenant. */
export interface Flight {
  readonly generation: number
  readonly entry: Promise<Entry>
}

export type EntryFacts = Pick<Entry, 'key' | 'body' | 'version' | 'builtAt' | 'generation' | 'freshUntil'>

export function entryOf(facts: EntryFacts, etag = etagOf(facts.body)): Entry {
  const bytes = facts.body.length + facts.key.length * 2 + OVERHEAD_BYTES
  return { ...facts, etag, bytes, aliases: [], sentWith: null, used: true }
}

function etagOf(body: Buffer): string {
  return `"${shortHash(body)}"`
}

/** Whether the client has this very answer. Weak comparison, as If-None-Match wants it. */
export function hasAlready(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag) return true
  if (ifNoneMatch.trim() === '*') return true
  return ifNoneMatch.split(',').some(part => part.trim().replace(/^W\//, '') === etag)
}
