import { type Asker, pathOf } from './asking.js'
import type { Canary } from './canaries.js'
import { pathsTo, type TenantRoute } from './routes.js'
import type { Sightings } from './sightings.js'

/** Lists whose next page has a cursor. */
const LISTS = ['/v1/posts', '/v1/feeds']
/** Seen by its owner in the answers of at least these. */
const SEEN_IN = ['/v1/posts', '/v1/feeds', '/v1/feeds.opml', '/v1/media', '/v1/analytics']

/** What answers a reader's token gets where they would be the owner's: built, kept, and when it says that it has the owner's already. */
export async function lookAtAnswers(
  asker: Asker,
  routes: readonly TenantRoute[],
  { reader, owner }: { readonly reader: Canary; readonly owner: Canary },
  sightings: Sightings,
): Promise<void> {
  const cursors = await cursorsOf(asker, owner)
  const seen = new Set<string>()
  for (const route of routes.filter(({ method }) => method === 'GET')) {
    for (const path of pathsTo(route, owner, cursors)) {
      const own = await asker.ask({ path, token: owner.token })
      if (own.text.includes(owner.marker)) seen.add(route.path)
      const where = (how: string) => `GET ${route.path}, ${how}`
      const built = await asker.ask({ path, token: reader.token })
      sightings.look('answers', where('built'), reader, built.text)
      const unchanged = await asker.ask({ path, token: reader.token, etag: own.etag })
      sightings.look('answers', where("with the owner's etag"), reader, unchanged.text)
      if (unchanged.status === 304 && own.text.includes(owner.marker) && own.etag !== built.etag)
        sightings.add(where("with the owner's etag"), reader, owner, 'answered as unchanged')
      for (const token of [owner.token, reader.token]) {
        const again = await asker.ask({ path, token })
        if (token === reader.token) sightings.look('answers', where('kept'), reader, again.text)
      }
    }
  }
  for (const path of SEEN_IN.filter(path => routes.some(route => route.path === path && route.method === 'GET')))
    sightings.expect(`GET ${path}`, owner, seen.has(path))
}

/** Whether a reader's token changes what is the owner's: everything that takes an id is asked to. */
export async function tryToChange(
  asker: Asker,
  routes: readonly TenantRoute[],
  { reader, owner }: { readonly reader: Canary; readonly owner: Canary },
  sightings: Sightings,
): Promise<void> {
  const none = new Map<string, string>()
  for (const route of routes.filter(({ method, path }) => method !== 'GET' && path.includes('{'))) {
    for (const path of pathsTo(route, owner, none)) {
      const answer = await asker.ask({ method: route.method, path, token: reader.token })
      sightings.look('changes', `${route.method} ${route.path}`, reader, answer.text)
      if (answer.status < 300) sightings.add(`${route.method} ${route.path}`, reader, owner, 'was done')
    }
  }
  for (const id of owner.feeds) {
    const feed = await asker.ask({ path: `/v1/feeds/${id}`, token: owner.token })
    sightings.expect(`GET /v1/feeds/{id}, after others tried to remove it`, owner, feed.text.includes(owner.marker))
  }
}

/** Whether a link to the reader's file, or what is signed for it, opens the owner's. */
export async function lookAtLinks(
  asker: Asker,
  { reader, owner }: { readonly reader: Canary; readonly owner: Canary },
  sightings: Sightings,
): Promise<void> {
  const [mine, theirs] = await Promise.all([linkOf(asker, reader), linkOf(asker, owner)])
  sightings.expect('the link of a file', reader, mine !== null && (await opens(asker, mine, reader)))
  if (mine === null || theirs === null || theirs.isPublic) return
  const { path: minePath, query: mineQuery } = mine
  const { path, query } = theirs
  const ownFolder = minePath.split('/').slice(0, -2).join('/')
  const name = path.split('/').slice(-2).join('/')
  const tries = [
    [`${path}?${mineQuery}`, "the owner's path with the reader's signature"],
    [path, "the owner's path without a signature"],
    [`${ownFolder}/${name}?${query}`, "the reader's folder with the owner's name and signature"],
    [`${ownFolder}/..%2F${path.split('/').at(-3)}/${name}?${mineQuery}`, "a way out of the reader's folder"],
  ] as const
  for (const [link, how] of tries) {
    const answer = await asker.ask({ path: link, token: reader.token })
    const where = `${theirs.isOwn ? 'GET /media/*' : 'the bucket'}: ${how}`
    sightings.look('links', where, reader, answer.status < 300 ? answer.text : '')
    if (answer.status < 400 && answer.status !== 304) sightings.add(where, reader, owner, `answered ${answer.status}`)
  }
}

interface FileLink {
  /** Absolute where it leads to a bucket. */
  readonly path: string
  readonly query: string
  readonly isOwn: boolean
  readonly isPublic: boolean
}

async function linkOf(asker: Asker, canary: Canary): Promise<FileLink | null> {
  const { status, body } = await asker.ask({ path: `/v1/media/${canary.media[0]}`, token: canary.token })
  if (status !== 200) return null
  const { url, expires_at } = JSON.parse(body) as { url: string; expires_at: string | null }
  return { path: pathOf(url), query: url.split('?')[1] ?? '', isOwn: url.startsWith('/'), isPublic: expires_at === null }
}

async function opens(asker: Asker, { path, query }: FileLink, canary: Canary): Promise<boolean> {
  const { status, text } = await asker.ask({ path: `${path}?${query}`, token: null })
  // One that is on its way to a bucket is led there.
  return status === 302 || (status === 200 && text.includes(canary.marker))
}

async function cursorsOf(asker: Asker, owner: Canary): Promise<Map<string, string>> {
  const cursors = new Map<string, string>()
  for (const path of LISTS) {
    const { status, body } = await asker.ask({ path: `${path}?limit=1`, token: owner.token })
    const { next } = status === 200 ? (JSON.parse(body) as { next?: unknown }) : {}
    if (typeof next === 'string') cursors.set(path, next)
  }
  return cursors
}
