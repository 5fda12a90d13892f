import type { TenantTables } from './tables.js'

const DAY_MS = 86_400_000

/** How much a tenant has. */
export interface Usage {
  readonly feeds: number
  readonly posts: number
  readonly mediaFiles: number
  readonly mediaBytes: number
  /** Analytics events of the day (UTC) that have been counted. */
  readonly eventsToday: number
}

/** In one statement; it reads an index entry for each post, and each file's row. */
export async function usageOf(tables: TenantTables, now = Date.now()): Promise<Usage> {
  const posts = tables.posts().select(eb => eb.fn.countAll<number>().as('posts'))
  const files = tables.media().select(eb => eb.fn.countAll<number>().as('files'))
  const bytes = tables.media().select(eb => eb.fn.sum<number>('media.bytes').as('bytes'))
  const events = tables
    .eventDays()
    .where('event_days.day', '=', Math.floor(now / DAY_MS))
    .select(eb => eb.fn.sum<number>('event_days.events').as('events'))
  const row = await tables
    .feeds()
    .select(eb => [
      eb.fn.countAll<number>().as('feeds'),
      posts.as('posts'),
      files.as('files'),
      bytes.as('bytes'),
      events.as('events'),
    ])
    .executeTakeFirstOrThrow()
  return {
    feeds: Number(row.feeds),
    posts: Number(row.posts),
    mediaFiles: Number(row.files),
    mediaBytes: Number(row.bytes),
    eventsToday: Number(row.events),
  }
}
