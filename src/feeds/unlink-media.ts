import { chunksOf } from '../kernel/chunks.js'
import type { TenantWriter } from '../tenants/tenant-writer.js'

const ROWS_PER_STATEMENT = 1_000

/** Takes the links of posts that go, in the transaction that deletes them. Files that no other post names are noted: pruning removes them. */
export async function unlinkMedia(tx: TenantWriter, posts: readonly number[], now: number): Promise<void> {
  for (const chunk of chunksOf(posts, ROWS_PER_STATEMENT)) {
    const rows = await tx.mediaLinks().select('media_id').distinct().where('post_id', 'in', chunk).execute()
    if (rows.length === 0) continue
    await tx.remove('media_links').where('post_id', 'in', chunk).execute()
    const files = rows.flatMap(row => (row.media_id === null ? [] : [row.media_id]))
    for (const some of chunksOf(files, ROWS_PER_STATEMENT)) await noteUnlinked(tx, some, now)
  }
}

/** The links of all posts of a feed that goes. */
export async function unlinkFeedMedia(tx: TenantWriter, feedId: number, now: number): Promise<void> {
  for (let after = 0; ; ) {
    const page = await tx
      .posts()
      .select('id')
      .where('feed_id', '=', feedId)
      .where('id', '>', after)
      .orderBy('id')
      .limit(ROWS_PER_STATEMENT)
      .execute()
    const last = page.at(-1)
    if (last === undefined) return
    await unlinkMedia(
      tx,
      page.map(post => post.id),
      now,
    )
    after = last.id
  }
}

async function noteUnlinked(tx: TenantWriter, files: readonly number[], now: number): Promise<void> {
  const named = await tx.mediaLinks().select('media_id').distinct().where('media_id', 'in', files).execute()
  const still = new Set(named.map(row => row.media_id))
  const gone = files.filter(id => !still.has(id))
  if (gone.length > 0) await tx.updateMedia().set({ unlinked_at: now }).where('id', 'in', gone).execute()
}
