/** Where publishing systems put their feeds, the commonest first. */
const USUAL_PLACES = ['feed', 'rss.xml', 'atom.xml', 'feed.xml', 'index.xml', 'rss', 'feed.json', '?feed=rss2']

/** Feeds that follow from the shape of a page's address at services that do not name them on their pages; none for others. */
export function serviceGuesses(pageUrl: string): string[] {
  const url = new URL(pageUrl)
  const host = url.hostname.replace(/^(?:www|m|old|new)\./, '')
  const path = url.pathname.replace(/\/+$/, '')
  if (/\.(?:rss|atom|xml|json)$/.test(path)) return []
  const at = (place: string) => new URL(place, url.origin).href
  if (host === 'youtube.com') return youtube(url)
  if (host === 'github.com') {
    const [owner, repository] = path.split('/').slice(1)
    return repository === undefined
      ? []
      : [`/${owner}/${repository}/releases.atom`, `/${owner}/${repository}/commits.atom`].map(at)
  }
  if (host === 'reddit.com') return /^\/(?:r|u|user)\/[^/]+/.test(path) ? [at(`${path}/.rss`)] : []
  if (host === 'medium.com') return path === '' ? [] : [at(`/feed${path}`)]
  // Mastodon and its kin, at any host.
  return /^\/@[\w.-]+$/.test(path) ? [at(`${path}.rss`)] : []
}

/** The usual places beside the page and at the root of its site, each once. */
export function usualPlaces(pageUrl: string): string[] {
  const { origin, pathname } = new URL(pageUrl)
  const folder = `${origin}${pathname.replace(/[^/]*\.[^/]*$/, '').replace(/\/*$/, '/')}`
  return [...new Set([folder, `${origin}/`].flatMap(start => USUAL_PLACES.map(place => start + place)))]
}

function youtube({ pathname, searchParams, origin }: URL): string[] {
  const channel = /^\/channel\/([\w-]+)/.exec(pathname)?.[1]
  const list = searchParams.get('list')
  const feed = (query: Record<string, string>) => `${origin}/feeds/videos.xml?${new URLSearchParams(query)}`
  if (channel !== undefined) return [feed({ channel_id: channel })]
  return list === null ? [] : [feed({ playlist_id: list })]
}
