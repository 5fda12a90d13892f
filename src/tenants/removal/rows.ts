import { sql } from 'kysely'
import { removeEventRows } from '../event-rows.js'
import type { TenantTables } from '../tables.js'

const ROWS_PER_STATEMENT = 5_000
const EVENT_TABLES = ['events', 'event_counts', 'event_days', 'event_visitors', 'event_batches'] as const
const ROWS = sql<number>`count(*)`.as('rows')

/** How many rows a tenant has, by table. */
export async function countRows(tables: TenantTables): Promise<Record<string, number>> {
  const counts = {
    feeds: tables.feeds().select(ROWS),
    posts: tables.posts().select(ROWS),
    tombstones: tables.tombstones().select(ROWS),
    media: tables.media().select(ROWS),
    media_links: tables.mediaLinks().select(ROWS),
    event_counts: tables.eventCounts().select(ROWS),
    event_days: tables.eventDays().select(ROWS),
    event_visitors: tables.eventVisitors().select(ROWS),
    event_batches: tables.eventBatches().select(ROWS),
    events: tables.events().select(ROWS),
    counters: tables.counters().select(ROWS),
  }
  const rows: Record<string, number> = {}
  for (const [table, query] of Object.entries(counts)) rows[table] = Number((await query.executeTakeFirstOrThrow()).rows)
  return rows
}

/** Numbers of the sources that the tenant reads. */
export async function sourcesOf(tables: TenantTables): Promise<number[]> {
  const rows = await tables.feeds().select('source_id').orderBy('source_id').execute()
  return rows.map(row => row.source_id)
}

/**
 * Deletes all rows of a tenant, a few thousand at a time. It is no resident any more from the first statement on, so that nobody writes any, and its feeds go
 * first: a sync that is under way finds none.
 */
export async function removeAllRows(tables: TenantTables): Promise<void> {
  await tables.transaction(async tx => {
    await tx.takeIds('posts', 0)
    await tx.leave()
    await tx.remove('feeds').execute()
  })
  await removePosts(tables)
  await removeTombstones(tables)
  await removeMediaRows(tables)
  await removeEventRows(tables)
  // Whoever waited for the lock meanwhile finds no feeds, and leaves nothing behind.
  await tables.transaction(async tx => {
    await tx.takeIds('posts', 0)
    for (const table of ['posts', 'tombstones', 'media', 'media_links', ...EVENT_TABLES, 'counters'] as const)
      await tx.remove(table).execute()
  })
}

async function removePosts(tables: TenantTables): Promise<void> {
  for (;;) {
    const ids = await tables.posts().select('id').orderBy('id').limit(ROWS_PER_STATEMENT).execute()
    const last = ids.at(-1)
    if (last === undefined) return
    await tables.transaction(async tx => void (await tx.remove('posts').where('id', '<=', last.id).execute()))
  }
}

async function removeTombstones(tables: TenantTables): Promise<void> {
  for (;;) {
    const keys = await tables
      .tombstones()
      .select(['feed_id', 'guid_hash'])
      .orderBy('feed_id')
      .orderBy('guid_hash')
      .limit(ROWS_PER_STATEMENT)
      .execute()
    const last = keys.at(-1)
    if (last === undefined) return
    await tables.transaction(async tx => {
      await tx
        .remove('tombstones')
        .where(eb =>
          eb.or([
            eb('feed_id', '<', last.feed_id),
            eb.and([eb('feed_id', '=', last.feed_id), eb('guid_hash', '<=', last.guid_hash)]),
          ]),
        )
        .execute()
    })
  }
}

async function removeMediaRows(tables: TenantTables): Promise<void> {
  for (;;) {
    const ids = await tables.media().select('id').orderBy('id').limit(ROWS_PER_STATEMENT).execute()
    const last = ids.at(-1)
    if (last === undefined) break
    await tables.transaction(async tx => void (await tx.remove('media').where('id', '<=', last.id).execute()))
  }
  for (;;) {
    const links = await tables.mediaLinks().select('post_id').orderBy('post_id').limit(ROWS_PER_STATEMENT).execute()
    const last = links.at(-1)
    if (last === undefined) return
    await tables.transaction(async tx => void (await tx.remove('media_links').where('post_id', '<=', last.post_id).execute()))
  }
}
