import type { Readable } from 'node:stream'
import { invalid } from './format.js'
import { readTransfer, type TransferSum } from './read.js'
import type { Row } from './snapshot.js'

/** More subscriptions than any tenant has: their numbers are held to look posts' up. */
const MAX_FEEDS = 1_000_000

/** What other parts of feedctl know of values in a file. */
export interface TransferRules {
  /** Whether it is as a source's URL is written. */
  isFeedUrl(url: string): boolean
  isMediaName(name: string): boolean
}

/** A file that is whole, and whose rows belong together. */
export interface Verified extends TransferSum {
  readonly mediaBytes: number
}

/**
 * Reads the file to its end and writes nothing: afterwards it is known that it is whole, that every value is of its kind, and that rows name only rows that are there.
 * @throws {Failure} EXPORT_INVALID, which says where
 */
export async function verifyTransfer(bytes: Readable, rules: TransferRules, signal: AbortSignal): Promise<Verified> {
  const facts = new Facts(rules)
  const sum = await readTransfer(bytes, { rows: ({ table }, rows) => facts.take(table, rows) }, signal)
  facts.end()
  return { ...sum, mediaBytes: facts.mediaBytes }
}

class Facts {
  mediaBytes = 0
  private readonly feeds = new Set<number>()
  private readonly urls = new Set<string>()
  private readonly highest: Record<string, number> = {}
  private readonly next: Record<string, number> = {}

  constructor(private readonly rules: TransferRules) {}

  take(table: string, rows: readonly Row[]): void {
    for (const row of rows) {
      if (table === 'feeds') this.takeFeed(row)
      else if (table === 'posts' || table === 'tombstones') this.expectFeed(table, row)
      else if (table === 'media') this.takeMedia(row)
      else if (table === 'counters') this.next[row.name as string] = row.next as number
      else return
      if (table === 'feeds' || table === 'posts' || table === 'media') this.highest[table] = row.id as number
    }
  }

  /** Ids that are given later must not be those of rows that are there. */
  end(): void {
    for (const [table, id] of Object.entries(this.highest)) {
      if ((this.next[table] ?? 1) <= id)
        throw invalid('counters', `${table} would be numbered from ${this.next[table] ?? 1}, and there is ${id}`)
    }
  }

  private takeFeed({ id, url }: Row): void {
    if (!this.rules.isFeedUrl(url as string)) throw invalid(`feeds, id ${id}`, 'its URL is not written as that of a feed')
    if (this.urls.has(url as string)) throw invalid(`feeds, id ${id}`, 'has the URL of another')
    if (this.feeds.size === MAX_FEEDS) throw invalid('feeds', `are more than ${MAX_FEEDS}`)
    this.urls.add(url as string)
    this.feeds.add(id as number)
  }

  private expectFeed(table: string, row: Row): void {
    if (this.feeds.has(row.feed_id as number)) return
    throw invalid(
      table,
      `${row.id === undefined ? row.guid_hash : `id ${row.id}`} is of a feed ${row.feed_id}, which is not there`,
    )
  }

  private takeMedia({ id, name, bytes }: Row): void {
    if (!this.rules.isMediaName(name as string)) throw invalid(`media, id ${id}`, 'has a name that no file may have')
    this.mediaBytes += Math.max(0, bytes as number)
  }
}
