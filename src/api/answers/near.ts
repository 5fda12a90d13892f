import type { Known } from '../known.js'
import type { Entry } from './entry.js'
import { Rounds } from './rounds.js'

/** What one tenant may hold of the whole while others want room. */
const SHARE = 1 / 4
const ALIASES = 4
/** By how much an alias may be longer than the key: other orders of a query are not, nor is what clients write. */
const LONGER_BY = 16
/** So many that were asked for are passed over before one of them goes all the same: nobody waits for a look at all of them. */
const PASSED_OVER = 100
/** Of an alias, about. */
const ALIAS_BYTES = 100

/**
 * The ready answers of this process, within a bound of bytes: when it is reached, who holds more than a quarter gives up its own, and else the tenant that has
 * not asked for longest. Within a tenant what was not asked for goes first. What is out of date stays until the room is wanted: it is better than nothing.
 */
export class NearAnswers {
  private bytes = 0
  private count = 0
  /** Who has entries. */
  private readonly holders = new Set<Known>()
  private readonly rounds = new Rounds(() => this.holders.values())
  /** Who gives way until it is asked for again. */
  private giving: Known | null = null
  /** Who has more than a share. */
  private readonly large = new Set<Known>()

  constructor(private readonly maxBytes: number) {}

  get heldBytes(): number {
    return this.bytes
  }

  get entries(): number {
    return this.count
  }

  /** The newest that was built, whether it counts or not. */
  find(known: Known, key: string): Entry | null {
    return known.entries.get(key) ?? null
  }

  keep(known: Known, entry: Entry): void {
    const before = known.entries.get(entry.key)
    if (before !== undefined) this.remove(known, before)
    if (known.gone || entry.bytes > this.maxBytes * SHARE) return
    known.entries.set(entry.key, entry)
    this.reckon(known, entry.bytes, 1)
    this.makeRoom()
  }

  /** Has the entry found under this spelling of its URL too. */
  alias(known: Known, entry: Entry, url: string): void {
    if (url === entry.key || entry.aliases.length >= ALIASES || known.entries.get(entry.key) !== entry) return
    if (url.length > entry.key.length + LONGER_BY || known.aliases.has(url)) return
    const bytes = url.length * 2 + ALIAS_BYTES
    entry.aliases.push(url)
    known.aliases.set(url, entry)
    entry.bytes += bytes
    this.reckon(known, bytes, 0)
    this.makeRoom()
  }

  /** Nothing is kept of a tenant that is remembered no more. */
  clear(known: Known): void {
    for (const entry of [...known.entries.values()]) this.remove(known, entry)
  }

  private remove(known: Known, entry: Entry): void {
    if (known.entries.get(entry.key) !== entry) return
    known.entries.delete(entry.key)
    for (const alias of entry.aliases.splice(0)) known.aliases.delete(alias)
    this.reckon(known, -entry.bytes, -1)
  }

  private reckon(known: Known, bytes: number, count: number): void {
    this.bytes += bytes
    this.count += count
    known.bytes += bytes
    if (known.bytes > this.maxBytes * SHARE) this.large.add(known)
    else this.large.delete(known)
    if (known.bytes > 0) this.holders.add(known)
    else this.holders.delete(known)
  }

  private whoGivesWay(): Known {
    const [large] = this.large
    if (large !== undefined) return large
    if (this.giving !== null && this.holders.has(this.giving) && !this.giving.used) return this.giving
    for (;;) {
      const known = this.rounds.next()
      if (known === undefined) throw new Error('bytes are held by nobody')
      if (!known.used) {
        this.giving = known
        return known
      }
      known.used = false
    }
  }

  private makeRoom(): void {
    while (this.bytes > this.maxBytes) this.evictFrom(this.whoGivesWay())
  }

  private evictFrom(known: Known): void {
    for (let passed = 0; ; passed++) {
      const entry = known.rounds.next()
      if (entry === undefined) return
      if (!entry.used || passed >= PASSED_OVER) {
        this.remove(known, entry)
        return
      }
      entry.used = false
    }
  }
}
