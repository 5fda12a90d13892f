import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { App } from '../../app.js'
import { sourcesOfRestored } from '../../feeds/restored-sources.js'
import { syncTenantFeeds } from '../../jobs.js'
import { randomToken, shortHash } from '../../kernel/hash.js'
import { hashName, mediaKey, parseMediaName } from '../../media/names.js'
import { contentChanged } from '../../tenants/content-version.js'
import { withTenant } from '../../tenants/tables.js'
import type { Tenant } from '../../tenants/tenant.js'
import type { TenantWriter } from '../../tenants/tenant-writer.js'

/** Where the feeds of canaries are: a domain that cannot be, so that nothing is ever fetched. */
export const CANARY_FEEDS = 'https://leak-probe.invalid/'

const FEEDS = 2
const POSTS = 3
const DAY_MS = 86_400_000
/** Between the ids of two tenants' rows: nobody has a row of another's number. */
const IDS_APART = 1_000

/** A tenant that is there to be looked for by others. */
export interface Canary {
  readonly tenant: Tenant
  readonly token: string
  /** Stands in every row, file and event of this tenant, and nowhere else in the world. */
  readonly marker: string
  readonly feeds: readonly number[]
  readonly posts: readonly number[]
  readonly media: readonly number[]
}

export function newMarker(): string {
  return `canary${randomToken().replace(/[^A-Za-z0-9]/g, 'x')}`
}

/** Puts rows with the tenant's marker in every table that its API shows, and a file on the disk where new files go. `place` is another for each tenant. */
export async function plant(
  app: App,
  { tenant, token, marker }: Pick<Canary, 'tenant' | 'token' | 'marker'>,
  place: number,
  signal: AbortSignal,
): Promise<Canary> {
  const urls = Array.from({ length: FEEDS }, (_, index) => `${CANARY_FEEDS}${marker}/${index}`)
  const sources = await sourcesOfRestored(app.catalog, urls)
  // Nobody asks them, forced or not: a source that is gone for good is asked by those who name it.
  await app.catalog.kysely
    .updateTable('sources')
    .set({ retired_at: Date.now(), next_check_at: Date.now() + 365 * DAY_MS })
    .where('id', 'in', [...sources.values()])
    .execute()
  const file = await storeFile(app, tenant, marker, signal)
  const base = (place + 1) * IDS_APART
  const planted = await withTenant(app.catalog, tenant, tables =>
    tables.transaction(async tx => {
      const feeds = await idsOf(tx, 'feeds', base, FEEDS)
      const posts = await idsOf(tx, 'posts', base, POSTS)
      const media = await idsOf(tx, 'media', base, 1)
      await tx.insert(
        'feeds',
        feeds.map((id, index) => feedRow(id, urls[index] as string, sources.get(urls[index] as string) ?? 0, marker)),
      )
      await tx.insert(
        'posts',
        posts.map((id, index) => postRow(id, feeds[index % FEEDS] as number, marker)),
      )
      await tx.insert(
        'media',
        media.map(id => ({ id, ...file })),
      )
      await plantEvents(tx, marker, posts[0] as number)
      return { feeds, posts, media }
    }),
  )
  await contentChanged(app.catalog, tenant.id)
  return { tenant, token, marker, ...planted }
}

/** A job of each in the queue, as clean as jobs are: they are to be seen there. It is not run before the day is over, and goes with its tenant. Nothing where no queue is shared. */
export async function plantJobs(app: App, canaries: readonly Canary[], signal: AbortSignal): Promise<void> {
  if (app.config.queueConnection === 'sync') return
  const queue = await app.queue(signal)
  // Under an id of its own: the schedule may have added the tenant's sync, and a worker taken it.
  await queue.add(
    canaries.map(({ tenant: { id } }) => ({ ...syncTenantFeeds(id), dedupeId: `leak-probe:${id}`, delayMs: DAY_MS })),
  )
}

async function idsOf(tx: TenantWriter, name: 'feeds' | 'posts' | 'media', base: number, count: number): Promise<number[]> {
  await tx.takeIds(name, base)
  const first = await tx.takeIds(name, count)
  return Array.from({ length: count }, (_, index) => first + index)
}

async function storeFile(app: App, tenant: Tenant, marker: string, signal: AbortSignal) {
  const { target } = await app.disks()
  const bytes = Buffer.from(`only ${marker} may see this\n`)
  const name = parseMediaName(`${marker}/${marker}.txt`)
  const [md5, sha256] = ['md5', 'sha256'].map(kind => createHash(kind).update(bytes).digest('hex')) as [string, string]
  const source = {
    bytes: bytes.length,
    whole: bytes,
    open: (from: number, to: number) => Readable.from([bytes.subarray(from, to)]),
  }
  const { etag } = await target.put(mediaKey(tenant.id, name), source, { type: 'text/plain', md5, sha256 }, signal)
  const now = Date.now()
  return {
    name,
    name_hash: hashName(name),
    state: target.name === 'local' ? ('hashed' as const) : ('deleted' as const),
    state_at: now,
    bytes: bytes.length,
    sha256,
    md5,
    type: 'text/plain',
    etag,
    attempts: 0,
    created_at: now,
  }
}

function feedRow(id: number, url: string, sourceId: number, marker: string) {
  return {
    ...{ id, url, source_id: sourceId, title: `feed of ${marker}`, created_at: Date.now() },
    ...{ version: null, stored_at: null, keep_days: null, keep_posts: null, alert: null },
  }
}

function postRow(id: number, feedId: number, marker: string) {
  const now = Date.now()
  return {
    id,
    feed_id: feedId,
    guid: `${marker} ${id}`,
    guid_hash: shortHash(`${marker} ${id}`),
    content_hash: shortHash(marker),
    url: `${CANARY_FEEDS}${marker}/post/${id}`,
    title: `post of ${marker}`,
    author: marker,
    published_at: now,
    updated_at: null,
    content: `<p>${marker}</p>`,
    categories: JSON.stringify([marker]),
    image: null,
    enclosures: '[]',
    created_at: now,
    changed_at: now,
  }
}

async function plantEvents(tx: TenantWriter, marker: string, postId: number): Promise<void> {
  const now = Date.now()
  const [minute, day] = [Math.floor(now / 60_000), Math.floor(now / DAY_MS)]
  await tx.insert('event_counts', [{ minute, post_id: postId, kind: marker, events: 1 }])
  await tx.insert('event_days', [{ day, post_id: postId, kind: marker, events: 1 }])
  await tx.insert('events', [
    { day, id: 1, at: now, kind: marker, post_id: postId, visitor: null, extra: JSON.stringify({ marker }) },
  ])
}
