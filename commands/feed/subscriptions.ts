import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import type { Io, Style } from '../../src/cli/io.js'
import { table } from '../../src/cli/tables.js'
import type { FeedView } from '../../src/feeds/subscriptions.js'
import { opening } from '../opening.js'
import { examples } from '../program.js'
import { registerAdd, subscribe } from './add.js'
import { readOpmlBytes, readOpmlFile } from './opml-file.js'
import { tenantNamed } from './tenant.js'

const MINUTE_MS = 60_000

export function registerSubscriptions(feed: Command, io: Io): void {
  registerAdd(feed, io)

  const list = feed
    .command('list')
    .description("list a tenant's feeds and how their sources do")
    .argument('<tenant>')
    .action(async slug => {
      await using app = await opening(io)
      const { listFeeds } = await import('../../src/feeds/subscriptions.js')
      const feeds = await listFeeds(app.catalog, await tenantNamed(app, slug))
      io.print({ feeds }, (value, style) => listWords(value.feeds, Date.now(), style))
    })
  examples(list, ['feedctl feed list acme', 'feedctl feed list acme --json'])

  const remove = feed
    .command('remove')
    .description('end a subscription and remove its posts')
    .argument('<tenant>')
    .argument('<feed>', 'id or URL')
    .action(async (slug, named) => {
      await using app = await opening(io)
      const { removeFeed } = await import('../../src/feeds/subscriptions.js')
      const removed = await removeFeed(app.catalog, await tenantNamed(app, slug), named)
      io.print({ feed: removed }, ({ feed: value }) => `removed feed ${value.id} ${value.url} and ${value.posts} posts`)
    })
  examples(remove, ['feedctl feed remove acme 3', 'feedctl feed remove acme https://example.com/feed.xml'])
}

export function registerOpml(feed: Command, io: Io): void {
  const importOpml = feed
    .command('import')
    .description('subscribe a tenant to the feeds of an OPML file (- for stdin): to all, or to none')
    .argument('<tenant>')
    .argument('<opml>', 'a file, or -')
    .action(async (slug, path) => {
      await using app = await opening(io)
      const { MAX_OPML_BYTES } = await import('../../src/feeds/opml.js')
      const wishes =
        path === '-' ? await readOpmlBytes(await io.readStdin(MAX_OPML_BYTES)) : await readOpmlFile(resolve(io.cwd, path))
      await subscribe(app, io, await tenantNamed(app, slug), wishes, false)
    })
  examples(importOpml, ['feedctl feed import acme subscriptions.opml', 'feedctl feed export acme | feedctl feed import globex -'])

  const exportOpml = feed
    .command('export')
    .description("write a tenant's feeds as OPML 2.0 to stdout")
    .argument('<tenant>')
    .action(async slug => {
      await using app = await opening(io)
      const [{ listFeeds }, { writeOpml }] = await Promise.all([
        import('../../src/feeds/subscriptions.js'),
        import('../../src/feeds/opml.js'),
      ])
      const tenant = await tenantNamed(app, slug)
      const feeds = await listFeeds(app.catalog, tenant)
      io.write(
        writeOpml({
          title: tenant.name,
          feeds: feeds.map(({ url, title }) => ({ url, title: title ?? url })),
          createdAt: Date.now(),
        }),
      )
    })
  examples(exportOpml, ['feedctl feed export acme > acme.opml'])
}

function listWords(feeds: readonly FeedView[], now: number, style: Style): string {
  if (feeds.length === 0) return 'no feeds'
  return table(
    feeds,
    [
      { title: 'ID', cell: feed => feed.id },
      { title: 'TITLE', cell: feed => feed.title },
      // What tells URLs apart should not be what a narrow terminal cuts.
      { title: 'URL', cell: feed => (Number.isFinite(style.columns) ? feed.url.replace(/^https:\/\//, '') : feed.url) },
      { title: 'CHECKED', cell: feed => (feed.checkedAt === null ? '-' : `${brief(now - feed.checkedAt)} ago`), right: true },
      { title: 'NEXT', cell: feed => nextWords(feed, now), right: true },
      {
        title: 'STATE',
        cell: stateWords,
        paint: (text, feed) => (feed.state === 'failing' ? style.red(text) : noted(text, feed, style)),
      },
    ],
    style,
  )
}

function noted(text: string, { state, alert }: FeedView, style: Style): string {
  return state === 'active' && alert === null ? text : state === 'new' ? style.dim(text) : style.yellow(text)
}

function stateWords({ state, failure, alert }: FeedView): string {
  const word = failure !== null && state === 'failing' ? failure.code : state
  return alert === null ? word : `${alert.code}${state === 'active' ? '' : `, ${word}`}`
}

function nextWords({ state, nextCheckAt }: FeedView, now: number): string {
  if (state === 'retired') return 'never'
  return nextCheckAt === null || nextCheckAt <= now ? 'due' : `in ${brief(nextCheckAt - now)}`
}

/** `0m`, `59m`, `23h`, `12d`: whole units, for columns. */
function brief(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / MINUTE_MS)
  if (minutes < 60) return `${minutes}m`
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)}h` : `${Math.floor(minutes / 1440)}d`
}
