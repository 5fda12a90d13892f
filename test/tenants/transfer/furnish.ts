import { randomBytes } from 'node:crypto'
import { addFeeds } from '../../../src/feeds/subscriptions.js'
import { shortHash } from '../../../src/kernel/hash.js'
import type { Catalog } from '../../../src/tenants/catalog.js'
import { withTenant } from '../../../src/tenants/tables.js'
import type { Tenant } from '../../../src/tenants/tenant.js'

const HASH = (text: string) => shortHash(text)
const AT = 1_700_000_000_000
/** Quotes, line ends, what ends statements and paths, characters of four bytes, of two code points, and from right to left. */
export const ODD = `'"\`\\ ; drop table posts; -- ../../etc \r\n\t\u2028 😀 👩‍👩‍👧 e\u0301 שלום %s $1 \${x} \ufeff`

/** Rows in every table of the tenant, with all that is hard to carry. */
export async function furnish(catalog: Catalog, tenant: Tenant, posts = 40): Promise<void> {
  await addFeeds(catalog, tenant, [
    { url: 'https://example.com/a.xml', title: ODD },
    { url: 'https://example.com/b.xml?q=%27', title: null },
  ])
  await withTenant(catalog, tenant, async tables => {
    await tables.transaction(async tx => {
      await tx
        .updateFeeds()
        .set({
          version: HASH('v'),
          stored_at: AT,
          keep_days: 9,
          keep_posts: 0,
          alert: JSON.stringify({ code: 'X', message: ODD, at: AT }),
        })
        .where('id', '=', 1)
        .execute()
      const first = await tx.takeIds('posts', posts)
      await tx.insert(
        'posts',
        Array.from({ length: posts }, (_, index) => postOf(first + index)),
      )
      await tx.insert('tombstones', [
        { feed_id: 1, guid_hash: HASH('gone'), deleted_at: AT },
        { feed_id: 2, guid_hash: HASH('gone'), deleted_at: AT },
      ])
      await tx.takeIds('media', 2)
      await tx.takeIds('media_posts', 1)
      await tx.takeIds('events', 3)
      await tx.insert('media', [mediaOf(1, 'deleted'), mediaOf(2, 'hashed')])
      await tx.insert('media_links', [
        linkOf(1, 'stored', 1),
        linkOf(2, 'stored', 2),
        linkOf(3, 'failed', null),
        linkOf(4, 'refused', null),
      ])
      await tx.insert('event_counts', [{ minute: 28_333_333, post_id: 0, kind: 'view', events: 2 ** 40 }])
      await tx.insert('event_days', [{ day: 19_675, post_id: 1, kind: 'view', events: 3 }])
      await tx.insert('event_visitors', [
        { day: 19_675, post_id: 1, kind: 'view', sketch: Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)) },
        { day: 19_675, post_id: 2, kind: 'view', sketch: randomBytes(4_098) },
      ])
      await tx.insert('event_batches', [
        { batch_id: '1700000000000-0', events: 3, applied_at: AT },
        { batch_id: 'B-upper', events: 3, applied_at: AT },
        { batch_id: 'a-lower', events: 3, applied_at: AT },
      ])
      await tx.insert('events', [
        {
          day: 19_675,
          id: 1,
          at: AT,
          kind: 'view',
          post_id: 1,
          visitor: '0123456789abcdef',
          extra: JSON.stringify({ odd: ODD }),
        },
        { day: 19_675, id: 2, at: AT, kind: 'view', post_id: 0, visitor: null, extra: null },
      ])
    })
  })
}

function postOf(id: number) {
  const full = id % 2 === 0
  return {
    id,
    feed_id: 1 + (id % 2),
    guid: full ? ODD + id : `guid ${id}`,
    guid_hash: HASH(`guid ${id}`),
    content_hash: HASH(`content ${id}`),
    url: full ? `https://example.com/${id}?a=%27` : null,
    title: full ? ODD : '',
    author: full ? 'Ünïcode' : null,
    published_at: full ? AT + id : null,
    updated_at: full ? AT : null,
    content: id === 7 ? `<p>${'long 😀 '.repeat(60_000)}</p>` : full ? '<p>“quoted” &amp; <em>safe</em> 😀</p>' : '',
    categories: JSON.stringify(full ? [ODD] : []),
    image: full ? 'https://example.com/i.png' : null,
    enclosures: JSON.stringify(full ? [{ url: 'https://example.com/e.mp3', type: null, bytes: 1 }] : []),
    created_at: AT,
    changed_at: AT + 1,
  }
}

function mediaOf(id: number, state: 'deleted' | 'hashed') {
  const name = id === 1 ? `ab/${'ab'.repeat(32)}.png` : 'bücher/📚 “odd”.bin'
  return {
    id,
    name,
    name_hash: HASH(name),
    state,
    state_at: AT,
    bytes: 2 ** 33,
    sha256: 'ab'.repeat(32),
    md5: 'cd'.repeat(16),
    type: 'image/png',
    identity: null,
    upload_id: null,
    parts: null,
    etag: id === 1 ? 'etag' : null,
    attempts: 0,
    failure_code: null,
    failure_message: null,
    delete_after: null,
    unlinked_at: null,
    created_at: AT,
  }
}

function linkOf(postId: number, state: 'stored' | 'failed' | 'refused', mediaId: number | null) {
  const url = `https://example.com/media/${postId}.png`
  return {
    post_id: postId,
    url_hash: HASH(url),
    url,
    kind: 'image' as const,
    media_id: mediaId,
    state,
    attempts: 1,
    next_at: null,
    failure_code: state === 'failed' ? 'MEDIA_GONE' : null,
    failure_message: state === 'failed' ? ODD : null,
    created_at: AT,
  }
}
