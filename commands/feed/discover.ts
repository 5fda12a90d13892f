import type { Command } from '@commander-js/extra-typings'
import { counted } from '../../src/cli/figures.js'
import type { Io, Style } from '../../src/cli/io.js'
import { showControls } from '../../src/cli/width.js'
import type { DiscoveredFeed, FoundBy } from '../../src/feeds/discovery/discover.js'
import { settingsOf } from '../opening.js'
import { examples } from '../program.js'
import { withFetcher } from './fetching.js'

const FOUND_WORDS: Readonly<Record<FoundBy, string>> = {
  itself: 'the address given',
  link: 'named by the page',
  anchor: 'linked by the page',
  service: 'known of the service',
  path: 'at a usual place',
}

export function registerDiscover(feed: Command, io: Io): void {
  const discover = feed
    .command('discover')
    .description('find the feeds of a page: those it names, links to, or has at the usual places')
    .argument('<url>', 'of a page, a site or a feed; https:// may be left out before a host name')
    .action(async named => {
      const [{ discoverFeeds }, { typedUrl }] = await Promise.all([
        import('../../src/feeds/discovery/discover.js'),
        import('../../src/feeds/discovery/address.js'),
      ])
      const { url: asked } = typedUrl(named)
      const { url, feeds } = await withFetcher(settingsOf(io), fetcher => discoverFeeds(fetcher, asked, { signal: io.signal }))
      io.print({ url, feeds }, (value, style) => feedsWords(value.feeds, style))
    })
  examples(discover, ['feedctl feed discover https://example.com/', 'feedctl feed discover blog.example.com --json'])
}

/** The addresses stand alone, whole at any width: they are what is copied. */
function feedsWords(feeds: readonly DiscoveredFeed[], style: Style): string {
  return feeds.map(feed => `${style.bold(showControls(feed.url))}\n  ${showControls(aboutFeed(feed))}\n`).join('')
}

function aboutFeed({ title, format, posts, newestAt, foundBy }: DiscoveredFeed): string {
  const newest = newestAt === null ? '' : `, the newest of ${new Date(newestAt).toISOString().slice(0, 10)}`
  return `${title ?? '(no title)'} (${format}, ${counted(posts, 'post')}${newest}); ${FOUND_WORDS[foundBy]}`
}
