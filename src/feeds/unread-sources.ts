import { isFailure } from '../kernel/errors.js'
import type { Log } from '../kernel/log.js'
import type { Catalog } from '../tenants/catalog.js'
import { parseSourceId, type SourceId } from '../tenants/ids.js'
import { sourcesRead } from '../tenants/source-readers.js'

/** Whoever subscribes to a source may hold its number for moments before a feed names it. */
const HELD_MS = 3_600_000
const PAGE = 1_000

/**
 * Forgets the sources that somebody stopped reading more than an hour ago, and that no tenant reads. Killed at any point, the next call goes on; a feed that
 * comes to a forgotten one all the same registers it anew. Answers how many there were. @throws {Failure} UNAVAILABLE when a host does not answer; the signal's reason
 */
export async function forgetUnread(catalog: Catalog, signal: AbortSignal, now = Date.now()): Promise<number> {
  for (let [forgotten, after] = [0, 0]; ; ) {
    signal.throwIfAborted()
    const left = await catalog.kysely
      .selectFrom('sources')
      .select('id')
      .where('left_at', '<', now - HELD_MS)
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute()
    const ids = left.map(row => parseSourceId(row.id))
    const last = ids.at(-1)
    if (last === undefined) return forgotten
    const read = await sourcesRead(catalog, ids, signal)
    await keep(catalog, [...read], now)
    forgotten += await forget(
      catalog,
      ids.filter(id => !read.has(id)),
      now,
    )
    after = last
  }
}

/** The same for who has other things to do: where it cannot be known who reads what, nothing is forgotten, and the log says why. */
export async function forgetUnreadCalmly(catalog: Catalog, log: Log, signal: AbortSignal): Promise<void> {
  try {
    await forgetUnread(catalog, signal)
  } catch (error) {
    if (!isFailure(error) || signal.aborted) throw error
    log.warn('sources that nobody reads were not looked for', { why: error.message })
  }
}

async function keep({ kysely }: Catalog, ids: readonly SourceId[], now: number): Promise<void> {
  if (ids.length === 0) return
  await kysely
    .updateTable('sources')
    .set({ left_at: null })
    .where('id', 'in', ids)
    .where('left_at', '<', now - HELD_MS)
    .execute()
}

/** One that others were merged into leads their feeds on: it stays as long as they do. */
async function forget({ kysely }: Catalog, ids: readonly SourceId[], now: number): Promise<number> {
  if (ids.length === 0) return 0
  const into = await kysely.selectFrom('sources').select('merged_into').where('merged_into', 'in', ids).execute()
  const leading = new Set(into.map(row => row.merged_into))
  const unread = ids.filter(id => !leading.has(id))
  if (unread.length === 0) return 0
  const gone = await kysely
    .deleteFrom('sources')
    .where('id', 'in', unread)
    .where('left_at', '<', now - HELD_MS)
    .where(eb => eb.or([eb('lease_until', 'is', null), eb('lease_until', '<', now)]))
    .executeTakeFirst()
  return Number(gone.numDeletedRows)
}
